"""Keep the figures that a run is shown by; drop an index whose column another one begins with."""

from django.db import migrations, models

from config.db.indexes import drop_key_index, unindexed

DROPPED = ["scoring_runcheck_run_id_3e6e5eac"]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("scoring", "0008_measured_merchants")]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        migrations.SeparateDatabaseAndState(
            [drop_key_index(name) for name in DROPPED],
            [unindexed("runcheck", "run", "scoring.scorerun", "checks")],
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
        migrations.AddField("scorerun", "figures", models.JSONField(null=True)),  # last: it cannot be done again
    ]
