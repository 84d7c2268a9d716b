"""One merchant's net sales by period: what counts in s, day by day, with all that is known now.

Counted as the set of the live run counts, so that with flagged sales, which stay here, they add up to its scores;
without one, as the current set does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

from config.kernel.calendar import add_months, day_number
from merchants.queries.batches import known_now
from scoring.domain.features.sets import FEATURE_SETS, current_set
from scoring.queries.measures import Known, measure
from scoring.queries.references import members_of_market
from scoring.queries.scores import get_live_run


class Period(StrEnum):
    """The periods that sales are summed over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSales:
    """One half-open period: sales that count, their number, and refunds and chargebacks; minor units.

    `is_silent`: nothing counted, which is different from sales of zero.
    """

    start: date
    end: date
    sold: int
    number: int
    returned: int
    is_silent: bool


def sales_of(*, merchant_id: int, period: Period, until: date) -> list[PeriodSales]:
    """Sum the merchant's net sales over the last 90 days, 26 weeks or 24 months before `until`."""
    edges = _edges(period, until)
    by_day = _by_day(merchant_id, until)
    return [_added(start, end, by_day) for start, end in pairwise(edges)]


def _by_day(merchant_id: int, until: date) -> Mapping[date, tuple[int, int, int]]:
    known = Known(as_of_day=day_number(until), watermark=known_now())
    live = get_live_run()
    features = current_set() if live is None else FEATURE_SETS.get(live.feature_set, current_set())
    found = measure(features.daily, members=members_of_market([merchant_id]), known=known)
    return {until - timedelta(days=1 + d): (sold, rows, back) for d, sold, rows, back in found}


def _edges(period: Period, until: date) -> list[date]:
    if period is Period.DAY:
        return [until - timedelta(days=back) for back in range(90, -1, -1)]
    if period is Period.WEEK:
        return [until - timedelta(weeks=back) for back in range(26, -1, -1)]
    last = (until - timedelta(days=1)).replace(day=1)  # the month of the last whole day, so far
    return [*(add_months(last, -back) for back in range(23, -1, -1)), until]


def _added(start: date, end: date, by_day: Mapping[date, tuple[int, int, int]]) -> PeriodSales:
    found = [by_day[day] for number in range((end - start).days) if (day := start + timedelta(days=number)) in by_day]
    sold, number, returned = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0)
    return PeriodSales(start=start, end=end, sold=sold, number=number, returned=returned, is_silent=not found)
