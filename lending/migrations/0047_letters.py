"""Keep letters to borrowers in arrears, the policies they are written by, and which cases an agency collects."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from config.db.append_only import append_only
from config.db.fixed import fixed


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0046_early_warning"),
        ("merchants", "0023_contact_details"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="arrearscase",
            options={
                "permissions": [
                    ("work_arrearscase", "Can work on a case"),
                    ("close_arrearscase", "Can close a case"),
                    ("hand_over_arrearscase", "Can ask to hand a case over to an agency"),
                    ("approve_arrearscase", "Can approve that a case is handed over"),
                ],
                "verbose_name": "arrears case",
            },
        ),
        migrations.CreateModel(
            name="DunningPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("version", models.IntegerField(unique=True)),
                ("content", models.TextField()),
                ("created_by", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "dunning policy",
                "verbose_name_plural": "dunning policies",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_dunningpolicy_sha256"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CaseHandover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("agency", models.CharField(max_length=100)),
                ("on", models.DateField()),
                ("handed_by", models.CharField(max_length=40)),
                ("approved_by", models.CharField(max_length=40)),
                ("booked_at", models.DateTimeField()),
                ("sha256", models.CharField(max_length=64)),
                ("sealed_content", models.BinaryField()),
                ("content_key", models.CharField(max_length=20)),
                ("ended_on", models.DateField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=40)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handovers",
                        to="lending.arrearscase",
                    ),
                ),
            ],
            options={
                "verbose_name": "hand-over",
                "indexes": [models.Index(fields=["case", "-id"], name="lending_casehandover_by_case")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_casehandover_sha256"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("handed_by", models.F("approved_by")), _negated=True),
                        name="lending_casehandover_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_on__gte", models.F("on")),
                                models.Q(("ended_by", ""), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            models.Q(("ended_by", ""), ("ended_on__isnull", True), ("reason", "")),
                            _connector="OR",
                        ),
                        name="lending_casehandover_ended_by_whom_and_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_on__isnull", True)),
                        fields=("case",),
                        name="lending_casehandover_one_open",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_days", models.IntegerField()),
                ("step", models.CharField(max_length=60)),
                ("on", models.DateField()),
                ("late_since", models.DateField()),
                ("due_minor", models.BigIntegerField()),
                ("owed_minor", models.BigIntegerField()),
                ("language", models.CharField(choices=[("en", "en"), ("zh", "zh")], max_length=2)),
                ("subject", models.CharField(max_length=500)),
                ("body", models.TextField()),
                ("key", models.UUIDField(unique=True)),
                ("written_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("DUE", "DUE"),
                            ("CLAIMED", "CLAIMED"),
                            ("HANDED", "HANDED"),
                            ("SENT", "SENT"),
                            ("REFUSED", "REFUSED"),
                            ("UNKNOWN", "UNKNOWN"),
                            ("DROPPED", "DROPPED"),
                            ("WITHHELD", "WITHHELD"),
                        ],
                        max_length=8,
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("deferrals", models.IntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("sent_on", models.DateField(null=True)),
                (
                    "may_have_left_on",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), default=list, size=None),
                ),
                ("answer", models.CharField(blank=True, max_length=200)),
                (
                    "stop",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("CASE_CLOSED", "CASE_CLOSED"),
                            ("HANDED_OVER", "HANDED_OVER"),
                            ("PAID", "PAID"),
                            ("PROMISED", "PROMISED"),
                            ("PAUSED", "PAUSED"),
                            ("DISPUTED", "DISPUTED"),
                            ("HARDSHIP", "HARDSHIP"),
                            ("PAID_IN_PART", "PAID_IN_PART"),
                            ("OUT_OF_DATE", "OUT_OF_DATE"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("decided_by", models.CharField(blank=True, max_length=40)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="letters",
                        to="lending.arrearscase",
                    ),
                ),
                (
                    "detail",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.contactdetail",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lending.dunningpolicy",
                    ),
                ),
            ],
            options={
                "verbose_name": "letter",
                "indexes": [
                    models.Index(fields=["case", "-id"], name="lending_letter_by_case"),
                    models.Index(fields=["state", "-id"], name="lending_letter_by_state"),
                    models.Index(
                        condition=models.Q(("state__in", ["DUE", "CLAIMED", "HANDED"])),
                        fields=["next_attempt_at", "id"],
                        name="lending_letter_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["DUE", "CLAIMED", "HANDED", "SENT", "REFUSED", "UNKNOWN", "DROPPED", "WITHHELD"],
                            )
                        ),
                        name="lending_letter_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("language__in", ["en", "zh"])), name="lending_letter_language_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "stop__in",
                                [
                                    "",
                                    "CASE_CLOSED",
                                    "HANDED_OVER",
                                    "PAID",
                                    "PROMISED",
                                    "PAUSED",
                                    "DISPUTED",
                                    "HARDSHIP",
                                    "PAID_IN_PART",
                                    "OUT_OF_DATE",
                                ],
                            )
                        ),
                        name="lending_letter_stop_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attempts__gte", 0), ("due_minor__gt", 0), ("from_days__gt", 0), ("owed_minor__gte", 0)
                        ),
                        name="lending_letter_amounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("late_since__lt", models.F("on"))), name="lending_letter_late"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "state__in",
                                    [
                                        "HANDED",
                                        "SENT",
                                        "UNKNOWN",
                                    ],
                                ),
                                ("sent_at__isnull", False),
                                ("sent_on__isnull", False),
                            ),
                            models.Q(
                                (
                                    "state__in",
                                    [
                                        "DUE",
                                        "CLAIMED",
                                        "REFUSED",
                                        "DROPPED",
                                    ],
                                ),
                                ("sent_at__isnull", True),
                                ("sent_on__isnull", True),
                            ),
                            ("state", "WITHHELD"),
                            _connector="OR",
                        ),
                        name="lending_letter_sent_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "DROPPED"), models.Q(("stop", ""), _negated=True)),
                            models.Q(models.Q(("state", "DROPPED"), _negated=True), ("stop", "")),
                            _connector="OR",
                        ),
                        name="lending_letter_dropped_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state", "WITHHELD"),
                                models.Q(("reason", ""), _negated=True),
                                models.Q(("decided_by", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "WITHHELD"), _negated=True), ("decided_by", ""), ("reason", "")
                            ),
                            _connector="OR",
                        ),
                        name="lending_letter_withheld_by_whom",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "DROPPED"), _negated=True),
                        fields=("case", "late_since", "from_days"),
                        name="lending_letter_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["DUE", "CLAIMED", "HANDED"])),
                        fields=("case",),
                        name="lending_letter_one_waits",
                    ),
                ],
            },
        ),
        append_only("lending_dunningpolicy"),
        fixed(
            "lending_letter",
            "case_id",
            "policy_id",
            "from_days",
            "step",
            '"on"',
            "late_since",
            "due_minor",
            "owed_minor",
            "language",
            "subject",
            "body",
            "key",
            "written_at",
        ),
        fixed(
            "lending_casehandover",
            "case_id",
            "agency",
            '"on"',
            "handed_by",
            "approved_by",
            "booked_at",
            "sha256",
        ),
    ]
