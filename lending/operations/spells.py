"""Write what is kept of loans' arrears over time, in the caller's operation, under the loans' locks."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef

from config.db.transactions import operation, require_transaction
from lending.domain.contract.replay import Replayed
from lending.domain.contract.spells import spells_of
from lending.models import Loan, LoanOrigin, LoanSpell
from lending.operations.portfolio_rows import Changed, rewrite_portfolio
from lending.queries.loans import contracts_of
from lending.queries.spells import NAMES

AT_ONCE: Final = 250
UNKNOWN: Final = timedelta(days=2)
"""After the date of a row: what falls due on that date is past due the day after, and so known; no more is."""
DROP: Final = """
DELETE FROM lending_loanspell s USING unnest(%s::bigint[], %s::date[]) n (loan_id, ending_from)
WHERE s.loan_id = n.loan_id AND s.until >= n.ending_from
"""
ADD: Final = """
INSERT INTO lending_loanspell (loan_id, since, until, principal_minor, late_from, late_since, arrears_minor)
SELECT * FROM unnest(%s::bigint[], %s::date[], %s::date[], %s::bigint[], %s::date[], %s::date[], %s::bigint[])
"""
"""In the order of NAMES."""


class Rewritten(NamedTuple):
    """A loan as its row was read, its replay, the date its row stands on now, and from when on a booking changed it.

    on: None where nothing was booked; then it is written only if another spell has begun.
    """

    loan: Loan
    replayed: Replayed
    to: date
    on: date | None = None


def rewrite_spells(rewritten: Iterable[Rewritten]) -> None:
    """Write the spells of loans anew, as far as a booking changed them or the row before did not know them.

    With them, where something was booked, what reports on the portfolio rest on. Raises NoTransaction.
    """
    require_transaction()
    rewritten = list(rewritten)
    rewrite_portfolio([Changed(one.loan, one.replayed, one.on) for one in rewritten if one.on is not None])
    loans, since, rows = list[int](), list[date](), list[tuple[object, ...]]()
    for loan, replayed, to, on in rewritten:
        unknown = None if loan.booked_to is None else loan.booked_to + UNKNOWN
        ending_from = min(filter(None, (on, unknown)))
        spells = spells_of(replayed, to=to, ending_from=ending_from)
        if on is None and all(spell.since < ending_from for spell in spells):
            continue
        loans.append(loan.pk)
        since.append(ending_from)
        rows += [(loan.pk, *(getattr(spell, name) for name in NAMES)) for spell in spells]
    if not loans:
        return
    with connection.cursor() as cursor:
        cursor.execute(DROP, [loans, since])
        if rows:
            cursor.execute(ADD, list(map(list, zip(*rows, strict=True))))


def keep_arrears() -> Iterator[int]:
    """Write the spells and flows of loans that have none, some hundred at a time: booked before they were kept.

    Yields how many loans were looked at; done again, it goes on. Raises Contended.
    """
    after = 0
    spells, origins = (kept.objects.filter(loan=OuterRef("pk")) for kept in (LoanSpell, LoanOrigin))
    unkept = ~Exists(spells) | ~Exists(origins)
    while True:
        with operation():
            without = Loan.objects.filter(unkept, booked_to__isnull=False, pk__gt=after)
            loans = list(without.order_by("pk").lock()[:AT_ONCE])
            contracts = contracts_of(loans)
            rewrite_spells(
                Rewritten(loan, contracts[loan.pk].replayed(), loan.booked_to, date.min)
                for loan in loans
                if loan.booked_to is not None
            )
        if not loans:
            return
        after = loans[-1].pk
        yield len(loans)
