"""Check the rows that are there against the constraints of the migration before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lending", "0016_servicing")]
    operations = [
        ValidateConstraint("entry", name="lending_entry_code_known"),
        ValidateConstraint("loan", name="lending_loan_status_known"),
        ValidateConstraint("loan", name="lending_loan_disbursed_when"),
        ValidateConstraint("loan", name="lending_loan_not_negative"),
        ValidateConstraint("loan", name="lending_loan_paid_at_most_owed"),
        ValidateConstraint("loan", name="lending_loan_money_adds_up"),
        ValidateConstraint("loanevent", name="lending_loanevent_type_known"),
        ValidateConstraint("loanevent", name="lending_loanevent_one_figure"),
        ValidateConstraint("loanevent", name="lending_loanevent_figure_fits"),
        ValidateConstraint("productexposure", name="lending_productexposure_status_known"),
    ]
