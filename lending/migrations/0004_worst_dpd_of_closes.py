"""Let only closes raise the worst days past due: a payout that came back starts it anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0003_chart_of_accounts"),
        ("merchants", "0004_kept_request"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="productversion",
            options={"verbose_name": "product"},
        ),
        migrations.RemoveConstraint(
            model_name="loan",
            name="lending_loan_not_negative",
        ),
        migrations.AddConstraint(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("credit_minor__gte", 0),
                    ("disbursed_minor__gte", 0),
                    ("dpd__gte", 0),
                    ("due_minor__gte", 0),
                    ("fees_paid_minor__gte", 0),
                    ("interest_paid_minor__gte", 0),
                    ("penalty_paid_minor__gte", 0),
                    ("principal_minor__gte", 0),
                    ("refunded_minor__gte", 0),
                    ("repaid_minor__gte", 0),
                    ("worst_dpd__gte", 0),
                ),
                name="lending_loan_not_negative",
            ),
        ),
    ]
