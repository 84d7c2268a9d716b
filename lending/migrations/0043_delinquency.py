"""Keep how late loans were over time, and the policies by which they are classed.

The loans that are there have none yet: `manage.py keep_arrears` replays them.
"""

from datetime import date

import django.db.models.deletion
from django.db import migrations, models

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0042_latest_entries"),
    ]

    operations = [
        migrations.CreateModel(
            name="DelinquencyPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("version", models.IntegerField(unique=True)),
                ("content", models.TextField()),
                ("created_by", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "policy of delinquency",
                "verbose_name_plural": "policies of delinquency",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_delinquencypolicy_sha256"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoanSpell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateField()),
                ("until", models.DateField()),
                ("principal_minor", models.BigIntegerField()),
                ("late_from", models.DateField(null=True)),
                ("late_since", models.DateField(null=True)),
                ("arrears_minor", models.BigIntegerField()),
                (
                    "loan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spells",
                        to="lending.loan",
                    ),
                ),
            ],
            options={
                "verbose_name": "loan on a day",
                "verbose_name_plural": "loans on a day",
                "indexes": [
                    models.Index(
                        condition=models.Q(("until", date.max)),
                        fields=["late_from"],
                        include=("loan",),
                        name="lending_loanspell_late",
                    ),
                    models.Index(
                        condition=models.Q(("until", date.max)), fields=["since"], name="lending_loanspell_lasting"
                    ),
                    models.Index(
                        condition=models.Q(("until__lt", date.max)),
                        fields=["until", "since"],
                        name="lending_loanspell_ended",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("loan", "since"), name="lending_loanspell_once"),
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))), name="lending_loanspell_lasts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("arrears_minor__gte", 0), ("principal_minor__gte", 0)),
                        name="lending_loanspell_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("arrears_minor", 0), ("late_from__isnull", True), ("late_since__isnull", True)),
                            models.Q(
                                ("late_from__gte", models.F("since")),
                                ("late_from__isnull", False),
                                ("late_from__lt", models.F("until")),
                                ("late_since__isnull", False),
                                ("late_since__lt", models.F("late_from")),
                            ),
                            _connector="OR",
                        ),
                        name="lending_loanspell_late_when",
                    ),
                ],
            },
        ),
        append_only("lending_delinquencypolicy"),
        migrations.RunSQL(
            "GRANT DELETE ON lending_loanspell TO tradeline_app",
            "REVOKE DELETE ON lending_loanspell FROM tradeline_app",
        ),
    ]
