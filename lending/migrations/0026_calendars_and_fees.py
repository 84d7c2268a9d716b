"""Enter business calendars, as versions that are never changed; let fees fall due with instalments."""

from django.db import migrations, models

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0025_one_payout"),
    ]

    operations = [
        migrations.CreateModel(
            name="CalendarVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=40)),
                ("first_year", models.SmallIntegerField()),
                ("last_year", models.SmallIntegerField()),
                ("content", models.TextField()),
                ("source", models.CharField(max_length=200)),
                ("created_by", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "calendar",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="lending_calendarversion_sha256"
                    ),
                ],
            },
        ),
        append_only("lending_calendarversion"),
        migrations.AddField("loan", "turn_fee_minor", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField("instalment", "fee_minor", models.BigIntegerField(db_default=0, default=0)),
    ]
