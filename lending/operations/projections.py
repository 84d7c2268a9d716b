"""Write the columns of loans that follow from their events: many loans in one statement, under their locks."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter, ne
from typing import Final

from django.db import connection

from config.db.transactions import StaleRow, require_transaction
from lending.domain.books.ledger import POSITION_FIELDS
from lending.domain.books.projection import AccrualCarry, Projection
from lending.models import Loan

OWN: Final = (
    "status",
    "disbursed_on",
    "closed_on",
    "due_minor",
    "late_since",
    "worst_dpd",
    "next_due",
    "turns_on",
    "turn_fee_minor",
)
CARRY: Final = AccrualCarry._fields
COLUMNS: Final = ("booked_to", *OWN, *POSITION_FIELDS, *CARRY)
KEYS: Final = ("id", "was_status", "was_booked_to")
TYPES: Final = {
    "id": "bigint",
    "was_status": "text",
    "was_booked_to": "date",
    "booked_to": "date",
    "status": "text",
    "worst_dpd": "int",
    "day_count": "text",
    "interest_numerator": "numeric",
    "penalty_numerator": "numeric",
    **dict.fromkeys(("disbursed_on", "closed_on", "late_since", "next_due", "turns_on"), "date"),
}
"""Of the columns that are not bigint."""
# %b: sent as they are; as text, each item of each array is searched for what must be escaped.
WRITE: Final = """
UPDATE lending_loan SET {changes} FROM unnest({arrays}) AS n ({names})
WHERE lending_loan.id = n.id AND lending_loan.status = n.was_status
    AND lending_loan.booked_to IS NOT DISTINCT FROM n.was_booked_to
"""


def write_projections(rows: Sequence[tuple[Loan, Projection, date]]) -> None:
    """Write loans, locked and read under their locks, as of the dates that their rows shall stand on.

    A column in which none of them changes is left out: a night changes few. Raises NoTransaction, StaleRow if one of
    them is not as it was read.
    """
    require_transaction()
    if not rows:
        return
    loans = [loan for loan, *_ in rows]
    cells = zip(*(_cells(projection, on) for _, projection, on in rows), strict=True)
    found = dict(zip(COLUMNS, cells, strict=True))
    changed = {name: column for name, column in found.items() if any(map(ne, column, map(attrgetter(name), loans)))}
    if not changed:
        return
    keys = zip(*((loan.pk, loan.status, loan.booked_to) for loan in loans), strict=True)
    columns = {**dict(zip(KEYS, keys, strict=True)), **changed}
    statement = WRITE.format(
        changes=", ".join(f"{name} = n.{name}" for name in changed),
        arrays=", ".join(f"%b::{TYPES.get(name, 'bigint')}[]" for name in columns),
        names=", ".join(columns),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, list(map(list, columns.values())))
        if cursor.rowcount != len(rows):
            raise StaleRow(cursor.rowcount)


def opened_loan(loan: Loan, projection: Projection, *, booked_to: date) -> Loan:
    """Let a new loan, not yet written, stand as projected."""
    for name, value in zip(COLUMNS, _cells(projection, booked_to), strict=True):
        setattr(loan, name, value)
    return loan


def _cells(projection: Projection, on: date) -> tuple[object, ...]:
    position, carry = projection.position, projection.carry
    return (
        None if projection.disbursed_on is None else on,
        *(getattr(projection, name) for name in OWN),
        *(getattr(position, name) for name in POSITION_FIELDS),
        *(getattr(carry, name) for name in CARRY),
    )
