"""Find the pauses of loans without reading their other events."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("lending", "0043_delinquency")]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        # What a broken attempt left is not valid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS lending_loanevent_pauses", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "loanevent",
            models.Index(fields=["loan"], name="lending_loanevent_pauses", condition=models.Q(type="pause")),
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
