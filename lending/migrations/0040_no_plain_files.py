"""Write the tables of files and lines anew: a column that is dropped stays in its rows until then."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lending", "0039_encrypted_files")]
    operations = [
        migrations.RunSQL("VACUUM FULL lending_bankfile", migrations.RunSQL.noop),
        migrations.RunSQL("VACUUM FULL lending_statementline", migrations.RunSQL.noop),
    ]
