"""Keep the year's sales and the worst month beside M. Scores made before have 0 there, and do not replay in the two."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0002_append_only")]
    operations = [
        migrations.AddField("score", "sales_365_minor", models.BigIntegerField(db_default=0)),
        migrations.AddField("score", "worst_month_minor", models.BigIntegerField(db_default=0)),
    ]
