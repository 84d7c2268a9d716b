"""Make scores and all they rest on append-only."""

from django.db import migrations

from config.db.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_scores"), ("office", "0003_append_only")]
    operations = [
        append_only(f"scoring_{name}")
        for name in (
            "scorecardversion",
            "calibrationversion",
            "runcheck",
            "referencemerchant",
            "referencecell",
            "referencerating",
            "referencefeed",
            "score",
        )
    ]
