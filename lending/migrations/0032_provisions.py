"""Make provisions: policies, months, a row for each loan, and two accounts.

Of the constraints of entries, only new rows are checked here; the next migration checks those that are there.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from config.db.append_only import append_only
from config.db.fixed import final, fixed

CHART = [
    ("PROVISION", "Provisions for credit losses", "ASSET"),
    ("PROVISION_EXPENSE", "Provision expense", "EXPENSE"),
]


def enter(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    accounts = apps.get_model("lending", "LedgerAccount").objects.using(schema_editor.connection.alias)
    for place, (code, name, kind) in enumerate(CHART, start=19):
        accounts.get_or_create(code=code, defaults={"name": name, "kind": kind, "place": place})


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0031_fixed_amounts"),
        ("scoring", "0012_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="LoanProvision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                (
                    "left",
                    models.CharField(
                        choices=[("REPAID", "REPAID"), ("WRITTEN_OFF", "WRITTEN_OFF")], max_length=11, null=True
                    ),
                ),
                ("stage", models.SmallIntegerField(null=True)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("SOUND", "SOUND"),
                            ("LATE", "LATE"),
                            ("DEFAULTED", "DEFAULTED"),
                            ("PD_RISEN", "PD_RISEN"),
                            ("RE_AGED", "RE_AGED"),
                            ("SAME_LINE", "SAME_LINE"),
                            ("CURING", "CURING"),
                        ],
                        max_length=9,
                        null=True,
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("NORMAL", "NORMAL"),
                            ("SPECIAL_MENTION", "SPECIAL_MENTION"),
                            ("SUBSTANDARD", "SUBSTANDARD"),
                            ("DOUBTFUL", "DOUBTFUL"),
                            ("LOSS", "LOSS"),
                        ],
                        max_length=15,
                        null=True,
                    ),
                ),
                ("good_months", models.SmallIntegerField(default=0)),
                ("dpd", models.IntegerField(default=0)),
                ("worst_dpd", models.IntegerField(default=0)),
                ("re_aged_on", models.DateField(null=True)),
                ("score_pd_ppm", models.IntegerField(null=True)),
                ("origination_pd_ppm", models.IntegerField(null=True)),
                ("pd_ppm", models.IntegerField(default=0)),
                ("lgd_bps", models.IntegerField(default=0)),
                ("rate_ppm", models.IntegerField(default=0)),
                ("ead_minor", models.BigIntegerField(default=0)),
                ("periods", models.JSONField(default=list)),
                ("ecl_minor", models.BigIntegerField(default=0)),
                ("minimum_minor", models.BigIntegerField(default=0)),
                ("provision_minor", models.BigIntegerField(default=0)),
                ("before_stage", models.SmallIntegerField(null=True)),
                ("before_minor", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "provision",
            },
        ),
        migrations.CreateModel(
            name="ProvisionMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(unique=True)),
                ("last_line", models.BigIntegerField()),
                ("booked_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "month of provisions",
                "verbose_name_plural": "months of provisions",
            },
        ),
        migrations.CreateModel(
            name="ProvisionPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("version", models.IntegerField(unique=True)),
                ("content", models.TextField()),
                ("created_by", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "policy of provisions",
                "verbose_name_plural": "policies of provisions",
            },
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_code_known",
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_of_one_subject",
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_of_event",
        ),
        migrations.AlterField(
            model_name="entry",
            name="code",
            field=models.CharField(
                choices=[
                    ("ACCRUAL", "ACCRUAL"),
                    ("OPENING", "OPENING"),
                    ("PROVISION", "PROVISION"),
                    ("STATEMENT", "STATEMENT"),
                    ("RESOLUTION", "RESOLUTION"),
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
        AddConstraintNotValid(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "code__in",
                        (
                            "ACCRUAL",
                            "OPENING",
                            "PROVISION",
                            "STATEMENT",
                            "RESOLUTION",
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
                    models.Q(
                        ("close__isnull", True),
                        ("loan__isnull", False),
                        ("product__isnull", True),
                        ("statement__isnull", True),
                        models.Q(("code", "PROVISION"), _negated=True),
                    ),
                    models.Q(
                        ("close__isnull", False),
                        ("code__in", ["ACCRUAL", "PROVISION"]),
                        ("loan__isnull", True),
                        ("product__isnull", False),
                        ("statement__isnull", True),
                    ),
                    models.Q(
                        ("close__isnull", True),
                        ("code__in", ["RESOLUTION", "STATEMENT"]),
                        ("loan__isnull", True),
                        ("product__isnull", True),
                        ("statement__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="lending_entry_of_one_subject",
            ),
        ),
        AddConstraintNotValid(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("code__in", ["ACCRUAL", "OPENING", "PROVISION", "RESOLUTION", "STATEMENT"]),
                        ("event__isnull", True),
                    ),
                    models.Q(
                        models.Q(
                            ("code__in", ["ACCRUAL", "OPENING", "PROVISION", "RESOLUTION", "STATEMENT"]), _negated=True
                        ),
                        ("event__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="lending_entry_of_event",
            ),
        ),
        migrations.AddField(
            model_name="loanprovision",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="provisions",
                to="lending.line",
            ),
        ),
        migrations.AddField(
            model_name="loanprovision",
            name="loan",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="provisions",
                to="lending.loan",
            ),
        ),
        migrations.AddField(
            model_name="loanprovision",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lending.productversion",
            ),
        ),
        migrations.AddField(
            model_name="provisionmonth",
            name="close",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="provisions", to="lending.dayclose"
            ),
        ),
        migrations.AddField(
            model_name="provisionmonth",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scoring.scorerun",
            ),
        ),
        migrations.AddField(
            model_name="loanprovision",
            name="month",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="provisions",
                to="lending.provisionmonth",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_provisionpolicy_sha256"
            ),
        ),
        migrations.AddField(
            model_name="provisionmonth",
            name="policy",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lending.provisionpolicy",
            ),
        ),
        migrations.AddIndex(
            model_name="loanprovision",
            index=models.Index(
                condition=models.Q(("loan__isnull", False)),
                fields=["loan", "-id"],
                name="lending_loanprovision_by_loan",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cause__in", ["SOUND", "LATE", "DEFAULTED", "PD_RISEN", "RE_AGED", "SAME_LINE", "CURING"])
                ),
                name="lending_loanprovision_cause_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(("category__in", ["NORMAL", "SPECIAL_MENTION", "SUBSTANDARD", "DOUBTFUL", "LOSS"])),
                name="lending_loanprovision_category_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(("left__in", ["REPAID", "WRITTEN_OFF"])), name="lending_loanprovision_left_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="lending_loanprovision_currency_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("line__isnull", True), ("loan__isnull", False)),
                    models.Q(("line__isnull", False), ("loan__isnull", True)),
                    _connector="OR",
                ),
                name="lending_loanprovision_of_loan_or_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cause__isnull", False),
                        ("left__isnull", True),
                        ("stage__in", [1, 2, 3]),
                        ("stage__isnull", False),
                        ("category__isnull", False),
                    ),
                    models.Q(
                        ("before_stage__isnull", False),
                        ("left__isnull", False),
                        ("provision_minor", 0),
                        ("stage__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="lending_loanprovision_runs_or_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ecl_minor__gte", 0),
                    ("ecl_minor__lte", models.F("ead_minor")),
                    ("minimum_minor__gte", 0),
                    ("minimum_minor__lte", models.F("ead_minor")),
                    ("provision_minor__gte", 0),
                    ("provision_minor__lte", models.F("ead_minor")),
                ),
                name="lending_loanprovision_within_exposure",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("before_minor__gte", 0), ("before_stage__in", [1, 2, 3]), ("before_stage__isnull", False)
                    ),
                    models.Q(("before_minor", 0), ("before_stage__isnull", True)),
                    _connector="OR",
                ),
                name="lending_loanprovision_before_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.UniqueConstraint(fields=("month", "loan"), name="lending_loanprovision_once_a_loan"),
        ),
        migrations.AddConstraint(
            model_name="loanprovision",
            constraint=models.UniqueConstraint(fields=("month", "line"), name="lending_loanprovision_once_a_line"),
        ),
        migrations.AddConstraint(
            model_name="provisionmonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("month__day", 1)), name="lending_provisionmonth_first"
            ),
        ),
        append_only("lending_provisionpolicy"),
        append_only("lending_loanprovision"),
        fixed("lending_provisionmonth", "month", "close_id", "policy_id", "run_id", "last_line"),
        final("lending_provisionmonth", "OLD.booked_at IS NOT NULL"),
        migrations.RunPython(enter, migrations.RunPython.noop),
    ]
