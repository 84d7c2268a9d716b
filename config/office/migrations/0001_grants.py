"""Let the application read, insert and update every table the owner makes, and delete from none.

Where a table may also be deleted from, or may not be updated, its own migration says so.
"""

from django.db import migrations

FORWARD = """
GRANT USAGE ON SCHEMA public TO tradeline_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO tradeline_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO tradeline_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO tradeline_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO tradeline_app;
"""
BACKWARD = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM tradeline_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM tradeline_app;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM tradeline_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM tradeline_app;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
