"""Keep what each account was debited and credited on proven days, and sum those that are proven already.

Closes of the version before may run meanwhile: a day that they prove is summed with the next.
"""

import django.db.models.deletion
from django.db import migrations, models

from config.db.append_only import append_only

SUM = """
INSERT INTO lending_accountday (day, account_id, currency, debit_minor, credit_minor)
SELECT effective_date, account, currency, sum(debit), sum(credit) FROM (
    SELECT e.effective_date, p.debit_id AS account, p.currency, p.amount_minor AS debit, 0 AS credit
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
    UNION ALL SELECT e.effective_date, p.credit_id, p.currency, 0, p.amount_minor
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
) sides
WHERE effective_date <= (SELECT max(day) FROM lending_dayclose WHERE state = 'PROVEN')
GROUP BY effective_date, account, currency
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lending", "0027_fixed"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("debit_minor", models.BigIntegerField()),
                ("credit_minor", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lending.ledgeraccount",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("day", "account", "currency"), name="lending_accountday_once"),
                    models.CheckConstraint(
                        condition=models.Q(("credit_minor__gte", 0), ("debit_minor__gte", 0)),
                        name="lending_accountday_amounts",
                    ),
                ],
            },
        ),
        append_only("lending_accountday"),
        migrations.RunSQL(SUM, migrations.RunSQL.noop),
    ]
