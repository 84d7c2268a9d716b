"""Let what staff asks for be approved by a second person."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0023_loan_book_checked"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="loan",
            options={
                "permissions": [
                    ("repay_loan", "Can book a repayment"),
                    ("charge_loan", "Can charge a fee"),
                    ("change_rate_loan", "Can change a rate"),
                    ("restructure_loan", "Can pause, extend, re-amortise and re-age"),
                    ("waive_loan", "Can waive interest, penalty and fees"),
                    ("settle_loan", "Can settle for less than is owed"),
                    ("write_off_loan", "Can write off"),
                    ("refund_loan", "Can pay credit back"),
                    ("reverse_loan", "Can reverse an event"),
                    ("pay_out_loan", "Can pay out again"),
                    ("return_loan", "Can take a payout back"),
                    ("cancel_loan", "Can cancel a loan"),
                    ("approve_loan", "Can approve what others ask for a loan"),
                ],
                "verbose_name": "loan",
            },
        ),
        migrations.AlterModelOptions(
            name="productversion",
            options={
                "permissions": [("approve_productversion", "Can approve that a product is sold")],
                "verbose_name": "product",
            },
        ),
    ]
