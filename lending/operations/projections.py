"""Write the columns of loans that follow from their events: many loans in one statement, under their locks."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
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
CARRY: Final = tuple(field.name for field in fields(AccrualCarry))
WRITTEN: Final = (*OWN, *POSITION_FIELDS, *CARRY)
COLUMNS: Final = ("id", "was_status", "was_booked_to", "booked_to", *WRITTEN)
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
WRITE: Final = f"""
UPDATE lending_loan SET booked_to = n.booked_to, {", ".join(f"{name} = n.{name}" for name in WRITTEN)}
FROM unnest({", ".join(f"%b::{TYPES.get(name, 'bigint')}[]" for name in COLUMNS)}) AS n ({", ".join(COLUMNS)})
WHERE lending_loan.id = n.id AND lending_loan.status = n.was_status
    AND lending_loan.booked_to IS NOT DISTINCT FROM n.was_booked_to
"""  # noqa: S608 - constants only


def write_projections(rows: Sequence[tuple[Loan, Projection, date]]) -> None:
    """Write loans, locked and read under their locks, as of the dates that their rows shall stand on.

    Raises NoTransaction, StaleRow if one of them is not as it was read.
    """
    require_transaction()
    if not rows:
        return
    columns = zip(*(_cells(*row) for row in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(WRITE, list(map(list, columns)))
        if cursor.rowcount != len(rows):
            raise StaleRow(cursor.rowcount)


def opened_loan(loan: Loan, projection: Projection, *, booked_to: date) -> Loan:
    """Let a new loan, not yet written, stand as projected."""
    for name, value in zip(COLUMNS[3:], _cells(loan, projection, booked_to)[3:], strict=True):
        setattr(loan, name, value)
    return loan


def _cells(loan: Loan, projection: Projection, on: date) -> tuple[object, ...]:
    position, carry = projection.position, projection.carry
    return (
        loan.pk,
        loan.status,
        loan.booked_to,
        None if projection.disbursed_on is None else on,
        *(getattr(projection, name) for name in OWN),
        *(getattr(position, name) for name in POSITION_FIELDS),
        *(getattr(carry, name) for name in CARRY),
    )
