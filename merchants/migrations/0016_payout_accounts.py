"""Keep who approved that a payout account is verified beside who verified it."""

from django.db import migrations, models

APPROVED_BY = """
UPDATE merchants_payoutaccount a SET approved_by = r.decided_by FROM office_approvalrequest r
WHERE r.verb = 'merchants_payoutaccount_verify' AND r.subject = 'merchants.payoutaccount:' || a.id
    AND r.state = 'APPROVED' AND r.requested_by = a.verified_by
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0015_approvals"),
        ("office", "0007_approvals"),
    ]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="approved_by",
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.RunSQL(APPROVED_BY, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    models.Q(
                        ("verified_by__isnull", False),
                        models.Q(("approved_by", models.F("verified_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="merchants_payoutaccount_approved_by_another",
            ),
        ),
    ]
