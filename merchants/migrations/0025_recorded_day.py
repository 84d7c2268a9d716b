"""Keep the day on which a partner recorded a row, where it says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0024_nobodys_merchants"),
    ]

    operations = [
        migrations.AddField(
            model_name="stagedrow",
            name="recorded_day",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="transaction",
            name="recorded_day",
            field=models.IntegerField(null=True),
        ),
    ]
