"""Let loans be waived, settled, written off and restructured, and keep what bounced after it was refunded.

Of the constraints, only new rows are checked here; the next migration checks those that are there.
"""

import django.db.models.expressions
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

CHART = [
    ("MERCHANT_RECEIVABLE", "Refunds owed back", "ASSET"),
    ("RECOVERIES", "Recoveries", "INCOME"),
    ("WAIVERS", "Waivers", "EXPENSE"),
    ("WRITE_OFFS", "Write-offs", "EXPENSE"),
]


def enter(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    accounts = apps.get_model("lending", "LedgerAccount").objects.using(schema_editor.connection.alias)
    for place, (code, name, kind) in enumerate(CHART, start=11):
        accounts.get_or_create(code=code, defaults={"name": name, "kind": kind, "place": place})


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0015_rows_at_rest"),
        ("merchants", "0014_fewer_indexes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="loan",
            options={
                "permissions": [
                    ("repay_loan", "Can book a repayment"),
                    ("charge_loan", "Can charge a fee"),
                    ("change_rate_loan", "Can change a rate"),
                    ("restructure_loan", "Can pause, extend, re-amortise and re-age"),
                    ("waive_loan", "Can waive interest, penalty and fees"),
                    ("settle_loan", "Can settle for less than is owed"),
                    ("write_off_loan", "Can write off"),
                    ("refund_loan", "Can pay credit back"),
                    ("reverse_loan", "Can reverse an event"),
                    ("pay_out_loan", "Can pay out again"),
                    ("return_loan", "Can take a payout back"),
                    ("cancel_loan", "Can give a loan up"),
                ],
                "verbose_name": "loan",
            },
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_code_known",
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_disbursed_when",
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_paid_at_most_owed",
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_money_adds_up",
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="loanevent",
            name="lending_loanevent_type_known",
        ),
        migrations.RemoveConstraint(
            model_name="loanevent",
            name="lending_loanevent_one_figure",
        ),
        migrations.RemoveConstraint(
            model_name="productexposure",
            name="lending_productexposure_status_known",
        ),
        migrations.AddField(
            model_name="loan",
            name="fees_written_off_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="interest_written_off_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="penalty_written_off_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="principal_written_off_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="receivable_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="recovered_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="waived_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="loanevent",
            name="periods",
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="entry",
            name="code",
            field=models.CharField(
                choices=[
                    ("ACCRUAL", "ACCRUAL"),
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
            name="status",
            field=models.CharField(
                choices=[
                    ("APPROVED", "APPROVED"),
                    ("ACTIVE", "ACTIVE"),
                    ("CLOSED", "CLOSED"),
                    ("WRITTEN_OFF", "WRITTEN_OFF"),
                    ("CANCELLED", "CANCELLED"),
                ],
                max_length=11,
            ),
        ),
        migrations.AlterField(
            model_name="loanevent",
            name="type",
            field=models.CharField(
                choices=[
                    ("disbursement", "disbursement"),
                    ("repayment", "repayment"),
                    ("charge", "charge"),
                    ("rate_change", "rate_change"),
                    ("reversal", "reversal"),
                    ("bounce", "bounce"),
                    ("apply_credit", "apply_credit"),
                    ("refund_credit", "refund_credit"),
                    ("pause", "pause"),
                    ("extend", "extend"),
                    ("re_amortise", "re_amortise"),
                    ("re_age", "re_age"),
                    ("waive_interest", "waive_interest"),
                    ("waive_penalty", "waive_penalty"),
                    ("waive_fee", "waive_fee"),
                    ("settlement", "settlement"),
                    ("write_off", "write_off"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="productexposure",
            name="status",
            field=models.CharField(
                choices=[
                    ("APPROVED", "APPROVED"),
                    ("ACTIVE", "ACTIVE"),
                    ("CLOSED", "CLOSED"),
                    ("WRITTEN_OFF", "WRITTEN_OFF"),
                    ("CANCELLED", "CANCELLED"),
                ],
                db_default="ACTIVE",
                max_length=11,
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
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["APPROVED", "ACTIVE", "CLOSED", "WRITTEN_OFF", "CANCELLED"])),
                name="lending_loan_status_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("booked_to__isnull", False),
                        ("disbursed_on__isnull", False),
                        ("status__in", ["ACTIVE", "CLOSED", "WRITTEN_OFF"]),
                    ),
                    models.Q(
                        ("disbursed_minor", 0),
                        ("disbursed_on__isnull", True),
                        ("status__in", ["APPROVED", "CANCELLED"]),
                    ),
                    _connector="OR",
                ),
                name="lending_loan_disbursed_when",
            ),
        ),
        AddConstraintNotValid(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("credit_minor__gte", 0),
                    ("disbursed_minor__gte", 0),
                    ("due_minor__gte", 0),
                    ("fees_paid_minor__gte", 0),
                    ("fees_written_off_minor__gte", 0),
                    ("interest_paid_minor__gte", 0),
                    ("interest_written_off_minor__gte", 0),
                    ("penalty_paid_minor__gte", 0),
                    ("penalty_written_off_minor__gte", 0),
                    ("principal_minor__gte", 0),
                    ("principal_written_off_minor__gte", 0),
                    ("receivable_minor__gte", 0),
                    ("recovered_minor__gte", 0),
                    ("refunded_minor__gte", 0),
                    ("repaid_minor__gte", 0),
                    ("waived_minor__gte", 0),
                    ("worst_dpd__gte", 0),
                ),
                name="lending_loan_not_negative",
            ),
        ),
        AddConstraintNotValid(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "fees_paid_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("fees_minor"), "-", models.F("fees_written_off_minor")
                        ),
                    ),
                    (
                        "interest_paid_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("interest_minor"), "-", models.F("interest_written_off_minor")
                        ),
                    ),
                    (
                        "penalty_paid_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("penalty_minor"), "-", models.F("penalty_written_off_minor")
                        ),
                    ),
                    ("principal_minor__lte", models.F("disbursed_minor")),
                ),
                name="lending_loan_paid_at_most_owed",
            ),
        ),
        AddConstraintNotValid(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "repaid_minor",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    django.db.models.expressions.CombinedExpression(
                                                        django.db.models.expressions.CombinedExpression(
                                                            models.F("disbursed_minor"),
                                                            "-",
                                                            models.F("principal_minor"),
                                                        ),
                                                        "-",
                                                        models.F("principal_written_off_minor"),
                                                    ),
                                                    "+",
                                                    models.F("interest_paid_minor"),
                                                ),
                                                "+",
                                                models.F("penalty_paid_minor"),
                                            ),
                                            "+",
                                            models.F("fees_paid_minor"),
                                        ),
                                        "+",
                                        models.F("recovered_minor"),
                                    ),
                                    "+",
                                    models.F("credit_minor"),
                                ),
                                "-",
                                models.F("receivable_minor"),
                            ),
                            "+",
                            models.F("refunded_minor"),
                        ),
                    )
                ),
                name="lending_loan_money_adds_up",
            ),
        ),
        AddConstraintNotValid(
            model_name="loanevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "type__in",
                        [
                            "disbursement",
                            "repayment",
                            "charge",
                            "rate_change",
                            "reversal",
                            "bounce",
                            "apply_credit",
                            "refund_credit",
                            "pause",
                            "extend",
                            "re_amortise",
                            "re_age",
                            "waive_interest",
                            "waive_penalty",
                            "waive_fee",
                            "settlement",
                            "write_off",
                        ],
                    )
                ),
                name="lending_loanevent_type_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="loanevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            (
                                "type__in",
                                [
                                    "bounce",
                                    "extend",
                                    "pause",
                                    "rate_change",
                                    "re_age",
                                    "re_amortise",
                                    "reversal",
                                    "write_off",
                                ],
                            ),
                            _negated=True,
                        ),
                        ("amount_minor__isnull", False),
                        ("of__isnull", True),
                        ("periods__isnull", True),
                        ("rate__isnull", True),
                    ),
                    models.Q(
                        ("type__in", ["rate_change"]),
                        ("amount_minor__isnull", True),
                        ("of__isnull", True),
                        ("periods__isnull", True),
                        ("rate__isnull", False),
                    ),
                    models.Q(
                        (
                            "type__in",
                            [
                                "bounce",
                                "reversal",
                            ],
                        ),
                        ("amount_minor__isnull", True),
                        ("of__isnull", False),
                        ("periods__isnull", True),
                        ("rate__isnull", True),
                    ),
                    models.Q(
                        (
                            "type__in",
                            [
                                "extend",
                                "pause",
                                "re_age",
                                "re_amortise",
                            ],
                        ),
                        ("amount_minor__isnull", True),
                        ("of__isnull", True),
                        ("periods__isnull", False),
                        ("rate__isnull", True),
                    ),
                    models.Q(
                        ("type__in", ["write_off"]),
                        ("amount_minor__isnull", True),
                        ("of__isnull", True),
                        ("periods__isnull", True),
                        ("rate__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="lending_loanevent_one_figure",
            ),
        ),
        AddConstraintNotValid(
            model_name="loanevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_minor", None), ("amount_minor__gt", 0), _connector="OR"),
                    models.Q(("rate", None), ("rate__gte", 0), _connector="OR"),
                    models.Q(("periods", None), ("periods__gt", 0), _connector="OR"),
                ),
                name="lending_loanevent_figure_fits",
            ),
        ),
        AddConstraintNotValid(
            model_name="productexposure",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["APPROVED", "ACTIVE", "CLOSED", "WRITTEN_OFF", "CANCELLED"])),
                name="lending_productexposure_status_known",
            ),
        ),
        migrations.RemoveIndex("loan", name="lending_loan_by_late_since"),
        migrations.AddIndex(
            "loan",
            models.Index(
                fields=["late_since", "id"],
                include=("status", "booked_to", "currency", "principal_minor", "disbursed_minor"),
                name="lending_loan_by_late_since",
            ),
        ),
        migrations.RunPython(enter, migrations.RunPython.noop),
    ]
