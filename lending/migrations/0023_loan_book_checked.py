"""Check the rows that are there against the constraints of the migration before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lending", "0022_loan_book")]
    operations = [
        ValidateConstraint("entry", name="lending_entry_code_known"),
        ValidateConstraint("entry", name="lending_entry_event_unless_accrual"),
        ValidateConstraint("loan", name="lending_loan_imported_when"),
    ]
