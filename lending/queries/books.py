"""Prove the books: the ledger against the loans' rows, and the rows against the events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from django.db import connection

from lending.domain.day_close import Balance
from lending.domain.ledger import POSITION_FIELDS, Account, Position, balances
from lending.domain.projection import Projection, project
from lending.models import Loan
from lending.queries.loans import contracts_of, position_of

CHUNK = 500
# One statement, so one moment: what is booked meanwhile is in both or in neither.
PROVE = f"""
WITH ledger AS (
    SELECT account, currency, sum(amount) AS minor FROM (
        SELECT debit_id AS account, currency, amount_minor AS amount FROM lending_posting
        UNION ALL SELECT credit_id, currency, -amount_minor FROM lending_posting
    ) postings GROUP BY account, currency
), loans AS (
    SELECT currency, {", ".join(f"sum({name}) AS {name}" for name in POSITION_FIELDS)}
    FROM lending_loan GROUP BY currency
)
SELECT currency, {", ".join(f"coalesce(loans.{name}, 0)" for name in POSITION_FIELDS)},
    (SELECT jsonb_object_agg(ledger.account, ledger.minor) FROM ledger WHERE ledger.currency = all_of.currency)
FROM (SELECT currency FROM ledger UNION SELECT currency FROM loans) all_of LEFT JOIN loans USING (currency)
ORDER BY currency
"""  # noqa: S608 - constants only


def prove_accounts() -> list[Balance]:
    """Compare every account in every currency with the sum of the loans' shares of it."""
    with connection.cursor() as cursor:
        cursor.execute(PROVE)
        rows = cursor.fetchall()
    return [
        Balance(account=account, currency=currency, ledger_minor=booked, loans_minor=share)
        for currency, *sums, ledger in rows
        for account, booked, share in _compared(sums, json.loads(ledger or "{}"))
    ]


def _compared(sums: Sequence[int], ledger: Mapping[str, int]) -> Iterator[tuple[Account, int, int]]:
    shares = balances(Position(**dict(zip(POSITION_FIELDS, map(int, sums), strict=True))))
    for account, share in shares.items():
        yield account, int(ledger.get(account, 0)), share


def drifted_loans(loans: Sequence[Loan]) -> list[int]:
    """List those whose rows are not what replaying their events gives as of the date they are booked to."""
    contracts = contracts_of(loans)
    return [
        loan.pk
        for loan in loans
        if loan.booked_to is not None
        and not _agrees(loan, project(contracts[loan.pk].replayed(), as_of=loan.booked_to))
    ]


def booked_loans(*, part: int, parts: int, after: int = 0) -> Iterator[list[Loan]]:
    """Read the loans of a part that are booked, in order of keys, some hundred at a time."""
    while True:
        later = Loan.objects.filter(booked_to__isnull=False, pk__gt=after).of_part(part, parts).order_by("pk")
        chunk = list(islice(later, CHUNK))
        if not chunk:
            return
        yield chunk
        after = chunk[-1].pk


def _agrees(loan: Loan, projection: Projection) -> bool:
    row = (position_of(loan), loan.status, loan.due_minor, loan.dpd, loan.next_due)
    said = (projection.position, projection.status, projection.due_minor, projection.dpd, projection.next_due)
    return row == said
