"""Keep at most one payout of a loan that neither failed nor came back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0024_approvals"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "PAYOUT"), models.Q(("state__in", ["FAILED", "RETURNED"]), _negated=True)),
                fields=("loan",),
                name="lending_transfer_one_payout",
            ),
        ),
    ]
