"""Keep through which gateway a transfer goes, when it may be sent or asked for again, and that a bank may have it.

What is open when this runs is asked for at once, then by the rules. Of the constraints, only new rows are checked
here; the next migration checks those that are there.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.functions import Now

STATES = ["DUE", "SENT", "UNKNOWN", "PENDING", "DONE", "FAILED", "RETURNED"]
OPEN = ["DUE", "PENDING", "SENT", "UNKNOWN"]


class Migration(migrations.Migration):
    dependencies = [("lending", "0005_last_transfers")]
    operations = [
        migrations.AddField("transfer", "gateway", models.CharField(max_length=20, db_default="loopback")),
        migrations.AddField("transfer", "next_attempt_at", models.DateTimeField(db_default=Now())),
        migrations.AlterField(
            "transfer", "state", models.CharField(max_length=8, choices=[(state, state) for state in STATES])
        ),
        migrations.RemoveConstraint("transfer", "lending_transfer_state_known"),
        AddConstraintNotValid(
            "transfer",
            models.CheckConstraint(name="lending_transfer_state_known", condition=models.Q(state__in=STATES)),
        ),
        migrations.RemoveConstraint("transfer", "lending_transfer_settled_when"),
        AddConstraintNotValid(
            "transfer",
            models.CheckConstraint(
                name="lending_transfer_settled_when",
                condition=models.Q(state__in=OPEN, settled_at__isnull=True)
                | (~models.Q(state__in=OPEN) & models.Q(settled_at__isnull=False)),
            ),
        ),
    ]
