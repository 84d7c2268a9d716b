"""Keep how many loans there are by status, and what was disbursed and repaid, beside what they take of rooms."""

from django.db import migrations, models

STATUSES = ["APPROVED", "ACTIVE", "CLOSED", "CANCELLED"]


class Migration(migrations.Migration):
    dependencies = [("lending", "0010_sums_of_exposures")]
    operations = [
        migrations.AddField(
            "productexposure",
            "status",
            models.CharField(max_length=9, choices=[(status, status) for status in STATUSES], db_default="ACTIVE"),
        ),
        migrations.AddField("productexposure", "loans", models.BigIntegerField(db_default=0)),
        migrations.AddField("productexposure", "disbursed_minor", models.BigIntegerField(db_default=0)),
        migrations.AddField("productexposure", "repaid_minor", models.BigIntegerField(db_default=0)),
        migrations.RemoveConstraint("productexposure", "lending_productexposure_once"),
        migrations.AddConstraint(
            "productexposure",
            models.UniqueConstraint(
                name="lending_productexposure_once_a_status", fields=["code", "currency", "category", "status"]
            ),
        ),
        migrations.AddConstraint(
            "productexposure",
            models.CheckConstraint(
                name="lending_productexposure_status_known", condition=models.Q(status__in=STATUSES)
            ),
        ),
    ]
