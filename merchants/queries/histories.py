"""Read one merchant's history: sales by period, and its transactions page by page."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from config.kernel.calendar import add_months, date_of, midnight
from merchants.domain.transaction import TransactionKind
from merchants.models import Transaction

RETURNED: Final = (TransactionKind.REFUND, TransactionKind.CHARGEBACK)
PAGE: Final = 50


class Period(StrEnum):
    """Name the lengths of time that sales are added up over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSales:
    """Hold one half-open period: sales, and what was refunded or charged back, in minor units.

    `is_silent`: nothing of the kind happened, which is another thing than sales of zero.
    """

    start: date
    end: date
    sold: int
    number: int
    returned: int
    is_silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Name a transaction's place in the history."""

    occurred_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Hold one page of transactions, the newest first; a place is None where nothing older, or newer, follows."""

    rows: Sequence[Transaction]
    older: Place | None
    newer: Place | None


def sales_of(*, merchant_id: int, period: Period, until: date) -> list[PeriodSales]:
    """Add up the merchant's sales and returns over the last 90 days, 26 weeks or 24 months before `until`."""
    edges = _edges(period, until)
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    rows = (
        Transaction.objects.filter(
            merchant=merchant_id,
            superseded_in__isnull=True,
            kind__in=[TransactionKind.SALE, *RETURNED],
            # By moment, not by day: this is what the index knows, and the same rows.
            occurred_at__gte=midnight(edges[0], zone),
            occurred_at__lt=midnight(edges[-1], zone),
        )
        .values_list("day", "kind")
        .annotate(Sum("amount_minor"), Count("pk"))
        .order_by()
    )
    by_day: dict[date, list[tuple[str, int, int]]] = defaultdict(list)
    for day, kind, total, number in rows:
        by_day[date_of(day)].append((kind, total, number))
    return [_added(start, end, by_day) for start, end in pairwise(edges)]


def transactions_of(
    *, merchant_id: int, kind: TransactionKind | None, older_than: Place | None, newer_than: Place | None
) -> Page:
    """Read one page of the merchant's transactions by key; of neither place, the newest page."""
    rows = Transaction.objects.filter(merchant=merchant_id)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if newer_than is not None:
        found = _beyond(rows, newer_than, "gt").order_by("occurred_at", "id")
    elif older_than is not None:
        found = _beyond(rows, older_than, "lt").order_by("-occurred_at", "-id")
    else:
        found = rows.order_by("-occurred_at", "-id")
    page = list(found[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    if newer_than is not None:
        page.reverse()
    has_older = more if newer_than is None else True
    has_newer = more if newer_than is not None else older_than is not None
    return Page(
        rows=page,
        older=_place(page[-1]) if page and has_older else None,
        newer=_place(page[0]) if page and has_newer else None,
    )


def _beyond(rows: QuerySet[Transaction], place: Place, sign: str) -> QuerySet[Transaction]:
    """Keep what lies beyond the place; the first condition is implied, and is the one that the index serves."""
    return rows.filter(**{f"occurred_at__{sign}e": place.occurred_at}).filter(
        Q(**{f"occurred_at__{sign}": place.occurred_at}) | Q(**{f"id__{sign}": place.id})
    )


def _place(row: Transaction) -> Place:
    return Place(occurred_at=row.occurred_at, id=row.pk)


def _edges(period: Period, until: date) -> list[date]:
    if period is Period.DAY:
        return [until - timedelta(days=back) for back in range(90, -1, -1)]
    if period is Period.WEEK:
        return [until - timedelta(weeks=back) for back in range(26, -1, -1)]
    last = (until - timedelta(days=1)).replace(day=1)  # the month of the last whole day, so far
    return [*(add_months(last, -back) for back in range(23, -1, -1)), until]


def _added(start: date, end: date, by_day: dict[date, list[tuple[str, int, int]]]) -> PeriodSales:
    days = (start + timedelta(days=number) for number in range((end - start).days))
    rows = [row for day in days for row in by_day.get(day, ())]
    sales = [row for row in rows if row[0] == TransactionKind.SALE]
    return PeriodSales(
        start=start,
        end=end,
        sold=sum(total for _, total, _ in sales),
        number=sum(number for _, _, number in sales),
        returned=sum(total for kind, total, _ in rows if kind in RETURNED),
        is_silent=not rows,
    )
