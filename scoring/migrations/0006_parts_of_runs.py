"""Keep into how many parts a run is divided: those from before, and those of code from before, into 32."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0005_no_dues_of_90_days")]
    operations = [
        migrations.AddField("scorerun", "parts", models.SmallIntegerField(db_default=32)),
        migrations.AddConstraint(
            "scorerun",
            models.CheckConstraint(condition=models.Q(("parts__gt", 0)), name="scoring_scorerun_parts"),
        ),
    ]
