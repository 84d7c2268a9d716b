"""Keep what loans were when they were paid out, what moved on them by day, and the figures of reports as of a day."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0047_letters"),
    ]

    operations = [
        migrations.AddField(
            model_name="offer",
            name="delivered_on",
            field=models.DateField(null=True),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["made_on"], name="lending_offer_by_day"),
        ),
        migrations.CreateModel(
            name="LoanOrigin",
            fields=[
                (
                    "loan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="origin",
                        serialize=False,
                        to="lending.loan",
                    ),
                ),
                ("disbursed_on", models.DateField()),
                ("first_due", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("product", models.CharField(max_length=40)),
                ("grade", models.CharField(max_length=2)),
                ("category", models.CharField(max_length=200)),
                ("region", models.CharField(max_length=100)),
                ("tier", models.CharField(max_length=40)),
                ("partner", models.CharField(max_length=40)),
                ("borrower", models.CharField(max_length=40)),
                ("pd_ppm", models.IntegerField(null=True)),
                ("lgd_bps", models.IntegerField()),
            ],
            options={
                "verbose_name": "loan of the portfolio",
                "verbose_name_plural": "loans of the portfolio",
                "indexes": [models.Index(fields=["disbursed_on"], name="lending_loanorigin_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="lending_loanorigin_currency"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first_due__gte", models.F("disbursed_on"))),
                        name="lending_loanorigin_due_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("product", ""), _negated=True),
                            models.Q(("grade", ""), _negated=True),
                            models.Q(("category", ""), _negated=True),
                            models.Q(("region", ""), _negated=True),
                            models.Q(("tier", ""), _negated=True),
                        ),
                        name="lending_loanorigin_something_said",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortfolioFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                (
                    "report",
                    models.CharField(
                        choices=[
                            ("risk", "risk"),
                            ("vintages", "vintages"),
                            ("rolls", "rolls"),
                            ("yield", "yield"),
                            ("loss", "loss"),
                            ("concentration", "concentration"),
                            ("funnel", "funnel"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "dimension",
                    models.CharField(
                        choices=[
                            ("all", "all"),
                            ("product", "product"),
                            ("grade", "grade"),
                            ("category", "category"),
                            ("region", "region"),
                            ("tier", "tier"),
                            ("partner", "partner"),
                        ],
                        max_length=8,
                    ),
                ),
                ("rows", models.JSONField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("report__in", ["risk", "vintages", "rolls", "yield", "loss", "concentration", "funnel"])
                        ),
                        name="lending_portfoliofigures_report",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dimension__in", ["all", "product", "grade", "category", "region", "tier", "partner"])
                        ),
                        name="lending_portfoliofigures_dimension",
                    ),
                    models.UniqueConstraint(fields=("on", "report", "dimension"), name="lending_portfoliofigures_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LoanFlow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("disbursed_minor", models.BigIntegerField()),
                ("received_minor", models.BigIntegerField()),
                ("written_off_minor", models.BigIntegerField()),
                ("recovered_minor", models.BigIntegerField()),
                (
                    "loan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="flows",
                        to="lending.loan",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("received_minor", 0), _negated=True),
                        fields=["on"],
                        include=("loan", "received_minor"),
                        name="lending_loanflow_received",
                    ),
                    models.Index(
                        condition=models.Q(("disbursed_minor", 0), _negated=True),
                        fields=["on"],
                        include=("loan", "disbursed_minor"),
                        name="lending_loanflow_disbursed",
                    ),
                    models.Index(
                        condition=models.Q(("recovered_minor", 0), ("written_off_minor", 0), _negated=True),
                        fields=["on"],
                        include=("loan", "written_off_minor", "recovered_minor"),
                        name="lending_loanflow_lost",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("loan", "on"), name="lending_loanflow_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("disbursed_minor", 0),
                            ("received_minor", 0),
                            ("recovered_minor", 0),
                            ("written_off_minor", 0),
                            _negated=True,
                        ),
                        name="lending_loanflow_something_moved",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "GRANT DELETE ON lending_loanorigin, lending_loanflow, lending_portfoliofigures TO tradeline_app",
            "REVOKE DELETE ON lending_loanorigin, lending_loanflow, lending_portfoliofigures FROM tradeline_app",
        ),
    ]
