"""Let loans be imported with a loan book, which nobody applied for here.

Of the constraints, only new rows are checked here; the next migration checks those that are there.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0021_one_offer_a_kind"),
        ("merchants", "0014_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportedLoan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "loan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="imported", to="lending.loan"
                    ),
                ),
                ("number", models.CharField(max_length=100, unique=True)),
                ("grade", models.CharField(max_length=2)),
                ("disbursed_minor", models.BigIntegerField()),
                ("content_sha256", models.CharField(max_length=64)),
                ("booked_at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_event_unless_accrual",
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_code_known",
        ),
        migrations.AddField(
            model_name="loan",
            name="imported_on",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="entry",
            name="code",
            field=models.CharField(
                choices=[
                    ("ACCRUAL", "ACCRUAL"),
                    ("OPENING", "OPENING"),
                    ("DISBURSEMENT", "DISBURSEMENT"),
                    ("REPAYMENT", "REPAYMENT"),
                    ("CHARGE", "CHARGE"),
                    ("RATE_CHANGE", "RATE_CHANGE"),
                    ("REVERSAL", "REVERSAL"),
                    ("BOUNCE", "BOUNCE"),
                    ("APPLY_CREDIT", "APPLY_CREDIT"),
                    ("REFUND_CREDIT", "REFUND_CREDIT"),
                    ("PAUSE", "PAUSE"),
                    ("EXTEND", "EXTEND"),
                    ("RE_AMORTISE", "RE_AMORTISE"),
                    ("RE_AGE", "RE_AGE"),
                    ("WAIVE_INTEREST", "WAIVE_INTEREST"),
                    ("WAIVE_PENALTY", "WAIVE_PENALTY"),
                    ("WAIVE_FEE", "WAIVE_FEE"),
                    ("SETTLEMENT", "SETTLEMENT"),
                    ("WRITE_OFF", "WRITE_OFF"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="loan",
            name="application",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="loan", to="lending.application"
            ),
        ),
        migrations.AlterField(
            model_name="loan",
            name="payout_account",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.payoutaccount",
            ),
        ),
        AddConstraintNotValid(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "code__in",
                        (
                            "ACCRUAL",
                            "OPENING",
                            "DISBURSEMENT",
                            "REPAYMENT",
                            "CHARGE",
                            "RATE_CHANGE",
                            "REVERSAL",
                            "BOUNCE",
                            "APPLY_CREDIT",
                            "REFUND_CREDIT",
                            "PAUSE",
                            "EXTEND",
                            "RE_AMORTISE",
                            "RE_AGE",
                            "WAIVE_INTEREST",
                            "WAIVE_PENALTY",
                            "WAIVE_FEE",
                            "SETTLEMENT",
                            "WRITE_OFF",
                        ),
                    )
                ),
                name="lending_entry_code_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code__in", ["ACCRUAL", "OPENING"]), ("event__isnull", True)),
                    models.Q(models.Q(("code__in", ["ACCRUAL", "OPENING"]), _negated=True), ("event__isnull", False)),
                    _connector="OR",
                ),
                name="lending_entry_event_unless_accrual",
            ),
        ),
        AddConstraintNotValid(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("application__isnull", False), ("imported_on__isnull", True), ("payout_account__isnull", False)
                    ),
                    models.Q(("application__isnull", True), ("imported_on__isnull", False)),
                    _connector="OR",
                ),
                name="lending_loan_imported_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedloan",
            constraint=models.CheckConstraint(
                condition=models.Q(("number", ""), _negated=True), name="lending_importedloan_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedloan",
            constraint=models.CheckConstraint(
                condition=models.Q(("disbursed_minor__gt", 0)), name="lending_importedloan_disbursed"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedloan",
            constraint=models.CheckConstraint(
                condition=models.Q(("content_sha256__regex", "^[0-9a-f]{64}$")), name="lending_importedloan_sha256"
            ),
        ),
        append_only("lending_importedloan"),
    ]
