"""Keep the cases of borrowers in arrears, what collectors tried, and what borrowers promised."""

import django.db.models.deletion
from django.db import migrations, models

from config.db.fixed import fixed


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0044_pauses"),
        ("merchants", "0022_test_payment"),
    ]

    operations = [
        migrations.CreateModel(
            name="ArrearsCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("state", models.CharField(choices=[("OPEN", "OPEN"), ("CLOSED", "CLOSED")], max_length=6)),
                ("opened_on", models.DateField()),
                ("late_since", models.DateField(null=True)),
                ("principal_minor", models.BigIntegerField()),
                ("owner", models.CharField(blank=True, max_length=40)),
                ("next_on", models.DateField()),
                ("closed_on", models.DateField(null=True)),
                ("closed_by", models.CharField(blank=True, max_length=40)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "arrears case",
                "permissions": [("work_arrearscase", "Can work on a case"), ("close_arrearscase", "Can close a case")],
            },
        ),
        migrations.CreateModel(
            name="CaseContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("CALL", "CALL"),
                            ("MESSAGE", "MESSAGE"),
                            ("LETTER", "LETTER"),
                            ("VISIT", "VISIT"),
                            ("NONE", "NONE"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("REACHED", "REACHED"),
                            ("NO_ANSWER", "NO_ANSWER"),
                            ("WRONG_CONTACT", "WRONG_CONTACT"),
                            ("REFUSES", "REFUSES"),
                            ("DISPUTES", "DISPUTES"),
                            ("HARDSHIP", "HARDSHIP"),
                            ("NOTE", "NOTE"),
                        ],
                        max_length=13,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=2000)),
                ("on", models.DateField()),
                ("next_on", models.DateField()),
                ("actor", models.CharField(max_length=40)),
                ("booked_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
                        to="lending.arrearscase",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PaymentPromise",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "OPEN"),
                            ("KEPT", "KEPT"),
                            ("PARTLY", "PARTLY"),
                            ("BROKEN", "BROKEN"),
                            ("WITHDRAWN", "WITHDRAWN"),
                        ],
                        max_length=9,
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("due_on", models.DateField()),
                ("made_on", models.DateField()),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=40)),
                ("paid_minor", models.BigIntegerField(default=0)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promises",
                        to="lending.arrearscase",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="arrearscase",
            index=models.Index(fields=["merchant", "-id"], name="lending_arrearscase_merchant"),
        ),
        migrations.AddIndex(
            model_name="arrearscase",
            index=models.Index(fields=["state", "next_on", "id"], name="lending_arrearscase_next"),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["OPEN", "CLOSED"])), name="lending_arrearscase_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="lending_arrearscase_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.CheckConstraint(
                condition=models.Q(("principal_minor__gte", 0)), name="lending_arrearscase_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_on__isnull", False), ("state", "CLOSED"), models.Q(("closed_by", ""), _negated=True)
                    ),
                    models.Q(("closed_by", ""), ("closed_on__isnull", True), ("reason", ""), ("state", "OPEN")),
                    _connector="OR",
                ),
                name="lending_arrearscase_closed_by_whom_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "OPEN")), fields=("merchant",), name="lending_arrearscase_one_open"
            ),
        ),
        migrations.AddIndex(
            model_name="casecontact",
            index=models.Index(fields=["case", "-id"], name="lending_casecontact_by_case"),
        ),
        migrations.AddConstraint(
            model_name="casecontact",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["CALL", "MESSAGE", "LETTER", "VISIT", "NONE"])),
                name="lending_casecontact_channel_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="casecontact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("result__in", ["REACHED", "NO_ANSWER", "WRONG_CONTACT", "REFUSES", "DISPUTES", "HARDSHIP", "NOTE"])
                ),
                name="lending_casecontact_result_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="casecontact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result", "NOTE"), _negated=True), models.Q(("words", ""), _negated=True), _connector="OR"
                ),
                name="lending_casecontact_note_has_words",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentpromise",
            index=models.Index(fields=["case", "-id"], name="lending_paymentpromise_by_case"),
        ),
        migrations.AddIndex(
            model_name="paymentpromise",
            index=models.Index(fields=["due_on", "id"], name="lending_paymentpromise_by_due"),
        ),
        migrations.AddConstraint(
            model_name="paymentpromise",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["OPEN", "KEPT", "PARTLY", "BROKEN", "WITHDRAWN"])),
                name="lending_paymentpromise_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentpromise",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0), ("paid_minor__gte", 0)),
                name="lending_paymentpromise_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentpromise",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_on__gte", models.F("made_on"))), name="lending_paymentpromise_due_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentpromise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "WITHDRAWN"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="lending_paymentpromise_withdrawn_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentpromise",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "OPEN")), fields=("case",), name="lending_paymentpromise_one_open"
            ),
        ),
        migrations.RunSQL(
            "REVOKE UPDATE ON lending_casecontact FROM tradeline_app",
            "GRANT UPDATE ON lending_casecontact TO tradeline_app",
        ),
        fixed("lending_arrearscase", "merchant_id", "currency", "opened_on"),
        fixed("lending_paymentpromise", "case_id", "amount_minor", "due_on", "made_on", "made_at", "made_by"),
    ]
