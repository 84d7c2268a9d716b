"""Let what staff asks for be approved by a second person."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0011_behaviour_corrected"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="scorerun",
            options={
                "permissions": [
                    ("start_scorerun", "Can start a run"),
                    ("publish_anyway_scorerun", "Can publish a run whose checks failed"),
                    ("abandon_scorerun", "Can abandon a run"),
                    ("approve_scorerun", "Can approve that a run is published whose checks failed"),
                ],
                "verbose_name": "scoring run",
            },
        ),
    ]
