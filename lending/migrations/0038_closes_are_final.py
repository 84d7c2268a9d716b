"""Let a close that failed stay failed: only the office's owner may change what it found."""

from django.db import migrations

from config.db.fixed import final


class Migration(migrations.Migration):
    dependencies = [("lending", "0037_lines_less_charges")]
    operations = [
        migrations.RunSQL("DROP TRIGGER lending_dayclose_final ON lending_dayclose", migrations.RunSQL.noop),
        final("lending_dayclose", "OLD.state <> 'WORKING'"),
    ]
