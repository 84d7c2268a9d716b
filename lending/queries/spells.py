"""What is kept of loans over time: how late they were, what moved on them by day, and what they began as."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from django.db import connection

from lending.domain.contract.flows import Flow
from lending.domain.contract.spells import Spell
from lending.models import Loan

NAMES: Final = Spell._fields
KEPT: Final = f"""
SELECT loan_id, {", ".join(NAMES)} FROM lending_loanspell WHERE loan_id = ANY(%s::bigint[]) ORDER BY loan_id, since
"""  # noqa: S608 - constants only
FLOWS: Final = f"""
SELECT loan_id, {", ".join(f'"{name}"' for name in Flow._fields)} FROM lending_loanflow
WHERE loan_id = ANY(%s::bigint[]) ORDER BY loan_id, "on"
"""  # noqa: S608 - constants only
BEGUN: Final = "SELECT loan_id, disbursed_on, first_due FROM lending_loanorigin WHERE loan_id = ANY(%s::bigint[])"


def kept_origins(loans: Iterable[Loan]) -> dict[int, tuple[date, date]]:
    """Return the days on which loans were paid out and their first instalments fell due, by loan."""
    with connection.cursor() as cursor:
        cursor.execute(BEGUN, [[loan.pk for loan in loans]])
        return {loan: (disbursed_on, first_due) for loan, disbursed_on, first_due in cursor.fetchall()}


def kept_flows(loans: Iterable[Loan]) -> dict[int, list[Flow]]:
    """Return what moved on loans by day, in order, by loan."""
    found = dict[int, list[Flow]]()
    with connection.cursor() as cursor:
        cursor.execute(FLOWS, [[loan.pk for loan in loans]])
        for loan, *values in cursor.fetchall():
            found.setdefault(loan, []).append(Flow(*values))
    return found


def kept_spells(loans: Iterable[Loan]) -> dict[int, list[Spell]]:
    """Return the spells of loans in order, by loan."""
    found = dict[int, list[Spell]]()
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [[loan.pk for loan in loans]])
        for loan, *values in cursor.fetchall():
            found.setdefault(loan, []).append(Spell._make(values))
    return found
