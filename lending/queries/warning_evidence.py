"""Read what a warning rests on, as it was known when it was raised: rows, weeks, and the buyers who left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from config.kernel.calendar import date_of, day_number
from lending.domain.watch.cash_flow import LOYAL, RECENT
from lending.domain.watch.evidence import evidence_of
from lending.domain.watch.policy import Signal
from lending.models import EarlyWarning
from lending.queries.cash_flow import PURCHASES, D
from lending.queries.watch import known_to
from merchants.domain.transaction import Settlement
from merchants.models import Transaction
from scoring.queries.measures import SEEN

WEEKS: Final = 26
OF_ONE: Final = f"merchants_transaction t WHERE t.merchant_id = %(merchant)s AND {SEEN}"
ROWS: Final = f"""
SELECT t.id, count(*) OVER () FROM {OF_ONE} AND t.kind = %(kind)s AND {D} < %(days)s AND (NOT %(late)s OR t.value > 0)
ORDER BY t.occurred_at DESC, t.id DESC LIMIT %(most)s
"""  # noqa: S608 - constants only, here and below
BY_WEEK: Final = f"""
SELECT {D} / 7, count(*), sum(t.amount_minor)::bigint FROM {OF_ONE} AND t.kind = 'SALE' AND {D} < {7 * WEEKS}
GROUP BY 1
"""  # noqa: S608
BUYERS: Final = f"""
SELECT buyer, chosen, before, after, last, sum(before) OVER (), sum(after) OVER (), count(*) OVER () FROM (
    SELECT t.buyer, max(t.day) AS last, {PURCHASES.format(drawn_d="%(drawn_d)s", compared="%(compared)s")}
    FROM {OF_ONE} AND t.kind = 'SALE' AND t.buyer IS NOT NULL AND {D} <= %(drawn_d)s + %(compared)s + {LOYAL}
    GROUP BY t.buyer
) buyers WHERE chosen >= 2
ORDER BY before - after DESC, before DESC, buyer LIMIT %(most)s
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRows:
    """The latest rows that a warning rests on, and how many there are in all."""

    rows: Sequence[Transaction]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The sales of seven days before the day of the warning, from their first; amounts in minor units."""

    first: date
    sales: int
    sold_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatBuyer:
    """A buyer by its hash: purchases in the half year in which it is chosen, and before and after the draw."""

    buyer: int
    chosen: int
    before: int
    after: int
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatBuyers:
    """The repeat buyers who bought the most less after a draw than before it, and the sums of all of them."""

    buyers: Sequence[RepeatBuyer]
    number: int
    before: int
    after: int


def rows_behind(warning: EarlyWarning, *, most: int) -> FoundRows:
    """Return the rows that a warning rests on, the latest first."""
    is_escrow = warning.merchant.partner.settlement == Settlement.ESCROW
    evidence = evidence_of(Signal(warning.signal), is_escrow=is_escrow)
    found = _asked(ROWS, warning, kind=evidence.kind, days=evidence.days, late=evidence.is_late, most=most)
    rows = Transaction.objects.filter(merchant=warning.merchant_id, pk__in=[pk for pk, _ in found])
    ordered = rows.prefetch_related("batch").order_by("-occurred_at", "-pk")
    return FoundRows(rows=list(ordered), number=found[0][1] if found else 0)


def weeks_before(warning: EarlyWarning) -> list[Week]:
    """Return the sales of each of the weeks up to a warning, the oldest first."""
    as_of = warning.run.as_of
    found = {week: (sales, minor) for week, sales, minor in _asked(BY_WEEK, warning)}
    weeks = []
    for back in range(WEEKS - 1, -1, -1):
        sales, minor = found.get(back, (0, 0))
        weeks.append(Week(first=as_of - timedelta(days=7 * (back + 1)), sales=sales, sold_minor=minor))
    return weeks


def repeat_buyers(warning: EarlyWarning, *, most: int) -> RepeatBuyers | None:
    """Return the repeat buyers of a warning of diversion; None for one of another signal."""
    if warning.drawn_on is None:
        return None
    drawn_d = known_to(warning.run).as_of_day - 1 - day_number(warning.drawn_on)
    found = _asked(BUYERS, warning, drawn_d=drawn_d, compared=min(RECENT, drawn_d), most=most)
    buyers = [
        RepeatBuyer(buyer=buyer, chosen=chosen, before=before, after=after, last=date_of(last))
        for buyer, chosen, before, after, last, *_sums in found
    ]
    before, after, number = map(int, found[0][5:]) if found else (0, 0, 0)
    return RepeatBuyers(buyers=buyers, number=number, before=before, after=after)


def _asked(statement: str, warning: EarlyWarning, **more: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    asked = {**known_to(warning.run).parameters, "merchant": warning.merchant_id, **more}
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
