"""Let what staff asks for be approved by a second person."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0014_fewer_indexes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="payoutaccount",
            options={
                "permissions": [
                    ("verify_payoutaccount", "Can verify payout account"),
                    ("approve_payoutaccount", "Can approve that a payout account is verified"),
                ]
            },
        ),
    ]
