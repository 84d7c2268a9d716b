"""Check the entries that are there against the constraints of the migration before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lending", "0032_provisions")]
    operations = [
        ValidateConstraint("entry", name="lending_entry_code_known"),
        ValidateConstraint("entry", name="lending_entry_of_one_subject"),
        ValidateConstraint("entry", name="lending_entry_of_event"),
    ]
