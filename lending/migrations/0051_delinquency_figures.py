"""Keep how many loans are in which bucket of delinquency as of a day, so that no page classes all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0050_delinquency_at_size"),
    ]

    operations = [
        migrations.CreateModel(
            name="DelinquencyFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField(unique=True)),
                ("basis", models.CharField(max_length=64)),
                ("rows", models.JSONField()),
            ],
        ),
        migrations.RunSQL(
            "GRANT DELETE ON lending_delinquencyfigures TO tradeline_app",
            "REVOKE DELETE ON lending_delinquencyfigures FROM tradeline_app",
        ),
    ]
