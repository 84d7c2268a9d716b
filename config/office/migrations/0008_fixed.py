"""Let the business date move forward alone, and make what refuses to change fixed columns."""

from django.db import migrations

from config.db.fixed import final

FORWARD = """
CREATE FUNCTION office_refuse_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: this stays as it is', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0007_approvals")]
    operations = [
        migrations.RunSQL(FORWARD, "DROP FUNCTION office_refuse_fixed()"),
        final("office_businessdate", "NEW.current < OLD.current"),
    ]
