"""Keep how merchants repay, and the level a score made of it. Scores made before have that of no history."""

import django.db.models.deletion
from django.db import migrations, models

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_rights"),
        ("office", "0003_append_only"),
        ("scoring", "0003_sales_that_bound_a_limit"),
    ]
    operations = [
        migrations.CreateModel(
            name="BehaviourFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField()),
                ("dpd", models.IntegerField()),
                ("due_90_minor", models.BigIntegerField()),
                ("scheduled_minor", models.BigIntegerField()),
                ("repaid_minor", models.BigIntegerField()),
                ("loans_repaid", models.IntegerField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.batch",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant", "business_date"), name="scoring_behaviourfact_once_a_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dpd__gte", 0),
                            ("due_90_minor__gte", 0),
                            ("loans_repaid__gte", 0),
                            ("repaid_minor__gte", 0),
                            ("scheduled_minor__gte", 0),
                        ),
                        name="scoring_behaviourfact_not_negative",
                    ),
                ],
            },
        ),
        append_only("scoring_behaviourfact"),
        migrations.AddField("score", "repayment_level", models.SmallIntegerField(db_default=6)),
    ]
