"""Keep what each account was debited and credited on days that are proven."""

from datetime import date
from typing import Final

from django.db import connection

from config.db.transactions import require_transaction
from lending.queries.closes import last_proven_day
from lending.queries.ledger import summed_to

SUM: Final = """
INSERT INTO lending_accountday (day, account_id, currency, debit_minor, credit_minor)
SELECT effective_date, account, currency, sum(debit), sum(credit) FROM (
    SELECT e.effective_date, p.debit_id AS account, p.currency, p.amount_minor AS debit, 0 AS credit
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
    WHERE e.effective_date > %(after)s AND e.effective_date <= %(through)s
    UNION ALL SELECT e.effective_date, p.credit_id, p.currency, 0, p.amount_minor
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id
    WHERE e.effective_date > %(after)s AND e.effective_date <= %(through)s
) sides GROUP BY effective_date, account, currency
"""


def keep_sums() -> None:
    """Sum the proven days that are not summed yet. Raises NoTransaction.

    The books are locked since the last was proven: what is booked later falls on later days.
    """
    require_transaction()
    asked = {"after": summed_to(), "through": last_proven_day() or date.min}
    with connection.cursor() as cursor:
        cursor.execute(SUM, asked)
