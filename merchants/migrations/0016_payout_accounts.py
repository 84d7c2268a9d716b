"""Let payout accounts be rejected, withdrawn and replaced; keep who approved them, and the merchant's name then."""

import django.db.models.deletion
from django.db import migrations, models

from config.db.fixed import final, fixed

ENTERED = ("merchant_id", "number", "holder", "merchant_name", "entered_by", "entered_at")
# Names at entry are not known any more: those of today stand in.
NAMES = """
UPDATE merchants_payoutaccount a SET merchant_name = m.name FROM merchants_merchant m WHERE m.id = a.merchant_id
"""
APPROVED_BY = """
UPDATE merchants_payoutaccount a SET approved_by = r.decided_by FROM office_approvalrequest r
WHERE r.verb = 'merchants_payoutaccount_verify' AND r.subject = 'merchants.payoutaccount:' || a.id
    AND r.state = 'APPROVED' AND r.requested_by = a.verified_by
"""


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0015_approvals"),
        ("office", "0008_fixed"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="payoutaccount",
            options={
                "permissions": [
                    ("verify_payoutaccount", "Can verify payout account"),
                    ("approve_payoutaccount", "Can approve that a payout account is verified"),
                    ("reveal_payoutaccount", "Can see the whole number of a payout account"),
                    ("withdraw_payoutaccount", "Can withdraw a payout account"),
                ]
            },
        ),
        migrations.RemoveConstraint(
            model_name="payoutaccount",
            name="merchants_payoutaccount_verified_by_whom_and_when",
        ),
        migrations.RemoveConstraint(
            model_name="payoutaccount",
            name="merchants_payoutaccount_number_once",
        ),
        migrations.RemoveConstraint(
            model_name="payoutaccount",
            name="merchants_payoutaccount_state_known",
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="approved_by",
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="closed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="closed_by",
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="follows",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.payoutaccount",
            ),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="merchant_name",
            field=models.CharField(db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="reason",
            field=models.CharField(db_default="", default="", max_length=500),
        ),
        migrations.AlterField(
            model_name="payoutaccount",
            name="state",
            field=models.CharField(
                choices=[
                    ("PENDING", "PENDING"),
                    ("VERIFIED", "VERIFIED"),
                    ("REJECTED", "REJECTED"),
                    ("WITHDRAWN", "WITHDRAWN"),
                ],
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["PENDING", "VERIFIED", "REJECTED", "WITHDRAWN"])),
                name="merchants_payoutaccount_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state__in", ["VERIFIED", "WITHDRAWN"]),
                        ("verified_at__isnull", False),
                        ("verified_by__isnull", False),
                    ),
                    models.Q(
                        models.Q(("state", "VERIFIED"), _negated=True),
                        ("verified_at__isnull", True),
                        ("verified_by__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="merchants_payoutaccount_verified_by_whom_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        ("state__in", ["REJECTED", "WITHDRAWN"]),
                    ),
                    models.Q(
                        models.Q(("state__in", ["REJECTED", "WITHDRAWN"]), _negated=True),
                        ("closed_at__isnull", True),
                        ("closed_by__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="merchants_payoutaccount_closed_by_whom_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "REJECTED"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="merchants_payoutaccount_rejected_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("follows__isnull", True), ("verified_at__isnull", False), _connector="OR"),
                name="merchants_payoutaccount_follows_when_verified",
            ),
        ),
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
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["PENDING", "VERIFIED"])),
                fields=("merchant", "number"),
                name="merchants_payoutaccount_number_once",
            ),
        ),
        migrations.RunSQL(NAMES, migrations.RunSQL.noop),
        migrations.RunSQL(APPROVED_BY, migrations.RunSQL.noop),
        fixed("merchants_payoutaccount", *ENTERED),
        final("merchants_payoutaccount", "OLD.state IN ('REJECTED', 'WITHDRAWN')"),
    ]
