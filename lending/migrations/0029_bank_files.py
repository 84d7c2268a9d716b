"""Let orders go to banks in files, and keep what banks say of them and of the accounts.

Of the constraints, only new rows are checked here; the next migration checks those that are there.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from config.db.append_only import append_only
from config.db.fixed import fixed

CHART = [
    ("BANK", "Bank accounts", "ASSET"),
    ("SUSPENSE", "Suspense", "LIABILITY"),
    ("BANK_CHARGES", "Bank charges", "EXPENSE"),
    ("FUNDING", "Funding", "LIABILITY"),
]
SAID = (
    "statement_id", "place", "booked_on", "value_on", "key", "batch", "reference", "bank_reference", "number", "name",
    "code", "words",
)  # fmt: skip


def enter(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    accounts = apps.get_model("lending", "LedgerAccount").objects.using(schema_editor.connection.alias)
    for place, (code, name, kind) in enumerate(CHART, start=15):
        accounts.get_or_create(code=code, defaults={"name": name, "kind": kind, "place": place})


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0028_sums_of_proven_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bank",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=20)),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.TextField()),
                ("created_by", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "bank account",
            },
        ),
        migrations.CreateModel(
            name="BankAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.IntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("ACCEPTED", "ACCEPTED"),
                            ("REJECTED", "REJECTED"),
                            ("BOOKED", "BOOKED"),
                            ("RETURNED", "RETURNED"),
                        ],
                        max_length=8,
                    ),
                ),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(max_length=3)),
                ("on", models.DateField(null=True)),
                ("code", models.CharField(max_length=35)),
                ("words", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[(one, one) for one in ("NEW", "APPLIED", "HELD", "DEALT_WITH")],
                        max_length=10,
                    ),
                ),
                (
                    "hold",
                    models.CharField(
                        choices=[
                            ("NO_ORDER", "NO_ORDER"),
                            ("EARLY", "EARLY"),
                            ("CONTRADICTS", "CONTRADICTS"),
                            ("AMOUNT_DIFFERS", "AMOUNT_DIFFERS"),
                            ("NOT_BOOKED", "NOT_BOOKED"),
                        ],
                        max_length=14,
                    ),
                ),
                ("note", models.CharField(max_length=200)),
            ],
            options={
                "verbose_name": "answer of a bank",
                "verbose_name_plural": "answers of banks",
                "permissions": [("settle_bankanswer", "Can say that an answer of a bank is dealt with")],
            },
        ),
        migrations.CreateModel(
            name="BankFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bank", models.CharField(max_length=20)),
                ("is_ours", models.BooleanField()),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=20)),
                ("message_id", models.CharField(max_length=70)),
                ("content", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(max_length=500)),
                ("dismissed_by", models.CharField(max_length=40)),
                ("dismissed_why", models.CharField(max_length=500)),
            ],
            options={
                "verbose_name": "bank file",
                "permissions": [("read_bankfile", "Can download a bank file, and have one read again")],
            },
        ),
        migrations.CreateModel(
            name="BankStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bank", models.CharField(max_length=20)),
                ("statement_id", models.CharField(max_length=35)),
                ("number", models.BigIntegerField(null=True)),
                ("currency", models.CharField(max_length=3)),
                ("opening_minor", models.BigIntegerField()),
                ("closing_minor", models.BigIntegerField()),
                ("closed_on", models.DateField()),
                ("booked_at", models.DateTimeField(null=True)),
                ("booked_no", models.IntegerField(null=True)),
            ],
            options={
                "verbose_name": "bank statement",
                "permissions": [("book_bankstatement", "Can book a statement whose predecessor is missing")],
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.IntegerField()),
                ("part", models.IntegerField(default=0)),
                ("amount_minor", models.BigIntegerField()),
                ("booked_on", models.DateField()),
                ("value_on", models.DateField()),
                ("key", models.UUIDField(null=True)),
                ("batch", models.CharField(max_length=35)),
                ("reference", models.CharField(max_length=35)),
                ("bank_reference", models.CharField(max_length=35)),
                ("number", models.CharField(max_length=34)),
                ("name", models.CharField(max_length=140)),
                ("code", models.CharField(max_length=35)),
                ("words", models.CharField(max_length=500)),
                ("back", models.BooleanField(default=False)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("NO_REFERENCE", "NO_REFERENCE"),
                            ("NO_ORDER", "NO_ORDER"),
                            ("OTHER_ACCOUNT", "OTHER_ACCOUNT"),
                            ("AMOUNT_DIFFERS", "AMOUNT_DIFFERS"),
                            ("NOT_MOVED", "NOT_MOVED"),
                            ("REPEATED", "REPEATED"),
                            ("BATCH_DIFFERS", "BATCH_DIFFERS"),
                            ("MISSING", "MISSING"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "resolution",
                    models.CharField(
                        choices=[
                            ("ORDER", "ORDER"),
                            ("REPAYMENT", "REPAYMENT"),
                            ("BOOKED", "BOOKED"),
                            ("PLATFORM", "PLATFORM"),
                            ("CHARGE", "CHARGE"),
                            ("FUNDING", "FUNDING"),
                        ],
                        max_length=9,
                    ),
                ),
                ("resolved_by", models.CharField(max_length=40)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("resolved_why", models.CharField(max_length=500)),
            ],
            options={
                "verbose_name": "statement line",
                "permissions": [
                    ("resolve_statementline", "Can say what a line in suspense is"),
                    ("approve_statementline", "Can approve what a line in suspense is said to be"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_of_loan_or_close",
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_code_known",
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="lending_entry_event_unless_accrual",
        ),
        migrations.AlterField(
            model_name="entry",
            name="code",
            field=models.CharField(
                choices=[
                    ("ACCRUAL", "ACCRUAL"),
                    ("OPENING", "OPENING"),
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
        migrations.AddConstraint(
            model_name="bank",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_bank_sha256"
            ),
        ),
        migrations.AddField(
            model_name="bankanswer",
            name="transfer",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="lending.transfer"
            ),
        ),
        migrations.AddIndex(
            model_name="bankfile",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", True), ("is_ours", True)),
                fields=["bank"],
                name="lending_bankfile_to_deliver",
            ),
        ),
        migrations.AddIndex(
            model_name="bankfile",
            index=models.Index(
                condition=models.Q(("is_ours", True)), fields=["message_id"], name="lending_bankfile_message"
            ),
        ),
        migrations.AddIndex(
            model_name="bankfile",
            index=models.Index(
                condition=models.Q(("problem", ""), _negated=True), fields=["-id"], name="lending_bankfile_set_aside"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankfile",
            constraint=models.UniqueConstraint(fields=("bank", "is_ours", "sha256"), name="lending_bankfile_once"),
        ),
        migrations.AddConstraint(
            model_name="bankfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_bankfile_sha256"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_ours", True), ("problem", "")),
                    models.Q(("delivered_at__isnull", True), ("is_ours", False)),
                    _connector="OR",
                ),
                name="lending_bankfile_delivered_ours",
            ),
        ),
        migrations.AddField(
            model_name="bankanswer",
            name="file",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="lending.bankfile",
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="file",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="lending.bankfile",
            ),
        ),
        migrations.AddField(
            model_name="bankstatement",
            name="file",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="lending.bankfile"
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="statement",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="lending.bankstatement",
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
                    ),
                    models.Q(
                        ("close__isnull", False),
                        ("code", "ACCRUAL"),
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
                    models.Q(("code__in", ["ACCRUAL", "OPENING", "RESOLUTION", "STATEMENT"]), ("event__isnull", True)),
                    models.Q(
                        models.Q(("code__in", ["ACCRUAL", "OPENING", "RESOLUTION", "STATEMENT"]), _negated=True),
                        ("event__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="lending_entry_of_event",
            ),
        ),
        migrations.AddField(
            model_name="statementline",
            name="contra",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lending.ledgeraccount",
            ),
        ),
        migrations.AddField(
            model_name="statementline",
            name="statement",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="lending.bankstatement",
            ),
        ),
        migrations.AddField(
            model_name="statementline",
            name="transfer",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="lending.transfer",
            ),
        ),
        migrations.AddIndex(
            model_name="bankanswer",
            index=models.Index(
                condition=models.Q(("state__in", ["HELD", "NEW"])), fields=["id"], name="lending_bankanswer_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankanswer",
            constraint=models.UniqueConstraint(fields=("file", "place"), name="lending_bankanswer_once"),
        ),
        migrations.AddConstraint(
            model_name="bankanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["ACCEPTED", "REJECTED", "BOOKED", "RETURNED"])),
                name="lending_bankanswer_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["NEW", "APPLIED", "HELD", "DEALT_WITH"])),
                name="lending_bankanswer_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="bankstatement",
            index=models.Index(
                condition=models.Q(("booked_at__isnull", True)), fields=["bank"], name="lending_bankstatement_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(fields=("bank", "statement_id"), name="lending_bankstatement_once"),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="lending_bankstatement_currency"
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("contra", "SUSPENSE")), fields=["id"], name="lending_statementline_suspense"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(
                fields=("statement", "place", "part"), name="lending_statementline_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(fields=("transfer", "back"), name="lending_statementline_one_an_order"),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", 0), _negated=True), name="lending_statementline_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("contra", "SUSPENSE"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="lending_statementline_suspended_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolution", ""), ("resolved_at__isnull", True), ("resolved_by", "")),
                    models.Q(
                        models.Q(("resolution", ""), _negated=True),
                        models.Q(("resolved_by", ""), _negated=True),
                        ("resolved_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="lending_statementline_resolved_by_whom_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(fields=("bank", "booked_no"), name="lending_bankstatement_one_a_place"),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("booked_at__isnull", True), ("booked_no__isnull", True)),
                    models.Q(("booked_at__isnull", False), ("booked_no__isnull", False)),
                    _connector="OR",
                ),
                name="lending_bankstatement_booked_when",
            ),
        ),
        append_only("lending_bank"),
        fixed("lending_bankfile", "bank", "is_ours", "name", "message_id", "content", "sha256", "made_at"),
        fixed("lending_bankanswer", "file_id", "place", "transfer_id", "outcome", "amount_minor", "currency", '"on"'),
        fixed(
            "lending_bankstatement",
            *("bank", "file_id", "statement_id", "currency", "opening_minor", "closing_minor", "closed_on"),
        ),
        fixed("lending_statementline", *SAID),
        migrations.RunPython(enter, migrations.RunPython.noop),
    ]
