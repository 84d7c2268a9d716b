"""Keep how merchants are reached, encrypted."""

import django.db.models.deletion
from django.db import migrations, models

from config.db.fixed import fixed

ENTERED = ("merchant_id", "kind", "language", "sealed_text", "text_key", "entered_by", "entered_at")


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0022_test_payment"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactDetail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("PHONE", "PHONE"), ("EMAIL", "EMAIL")], max_length=5)),
                ("language", models.CharField(choices=[("en", "en"), ("zh", "zh")], max_length=2)),
                ("sealed_text", models.BinaryField()),
                ("text_key", models.CharField(max_length=20)),
                ("entered_by", models.CharField(max_length=40)),
                ("entered_at", models.DateTimeField()),
                ("retired_by", models.CharField(blank=True, max_length=40)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contact_details",
                        to="merchants.merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact detail",
                "permissions": [
                    ("reveal_contactdetail", "Can see a whole number or address"),
                    ("retire_contactdetail", "Can retire a contact detail"),
                ],
                "indexes": [models.Index(fields=["merchant", "-id"], name="merchants_contactdetail_of")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["PHONE", "EMAIL"])), name="merchants_contactdetail_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("language__in", ["en", "zh"])),
                        name="merchants_contactdetail_language_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("retired_at__isnull", False), models.Q(("retired_by", ""), _negated=True)),
                            models.Q(("retired_at__isnull", True), ("retired_by", "")),
                            _connector="OR",
                        ),
                        name="merchants_contactdetail_retired_by_whom",
                    ),
                ],
            },
        ),
        fixed("merchants_contactdetail", *ENTERED),
        fixed("merchants_contactdetail", "retired_by", "retired_at", once="OLD.retired_at IS NOT NULL"),
    ]
