"""Check the entries that are there against the constraints of the migration before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lending", "0029_provisions")]
    operations = [
        ValidateConstraint("entry", name="lending_entry_code_known"),
        ValidateConstraint("entry", name="lending_entry_of_loan_or_close"),
        ValidateConstraint("entry", name="lending_entry_event_unless_accrual"),
    ]
