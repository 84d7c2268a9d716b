"""What is kept of how late loans were over time."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Final

from django.db import connection

from lending.domain.contract.spells import Spell
from lending.models import Loan

NAMES: Final = tuple(field.name for field in fields(Spell))
KEPT: Final = f"""
SELECT loan_id, {", ".join(NAMES)} FROM lending_loanspell WHERE loan_id = ANY(%s::bigint[]) ORDER BY loan_id, since
"""  # noqa: S608 - constants only


def kept_spells(loans: Iterable[Loan]) -> dict[int, list[Spell]]:
    """Return the spells of loans in order, by loan."""
    found = dict[int, list[Spell]]()
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [[loan.pk for loan in loans]])
        for loan, *values in cursor.fetchall():
            found.setdefault(loan, []).append(Spell(**dict(zip(NAMES, values, strict=True))))
    return found
