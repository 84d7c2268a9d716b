"""Find the applications of the last weeks, for the desks."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("lending", "0048_portfolio"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="application",
            index=models.Index(fields=["applied_on"], include=("state",), name="lending_application_by_day"),
        ),
    ]
