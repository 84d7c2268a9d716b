"""Find who is late, and whose loans these are, without reading the rows of loans."""

from datetime import date

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

FOREVER = date.max


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("lending", "0049_applications_by_day"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="loan",
            index=models.Index(fields=["id"], include=("merchant", "product", "currency"), name="lending_loan_whose"),
        ),
        AddIndexConcurrently(
            model_name="loan",
            index=models.Index(
                fields=["merchant", "-id"], include=("product", "currency"), name="lending_loan_of_merchant"
            ),
        ),
        RemoveIndexConcurrently(model_name="loan", name="lending_loan_by_merchant"),
        AddIndexConcurrently(
            model_name="loanspell",
            index=models.Index(
                fields=["until"],
                name="lending_loanspell_ended_late",
                condition=Q(until__lt=FOREVER, late_from__isnull=False),
            ),
        ),
    ]
