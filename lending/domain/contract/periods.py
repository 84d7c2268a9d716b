"""How long the periods of a loan are, in units of a year, and where its days lie on a line of such units."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from math import lcm

from config.kernel.calendar import date_of, day_number
from config.kernel.daycount import DAILY, YEAR_UNITS, DayCount, place_of, units_between
from config.kernel.exact import half_even
from lending.domain.contract.due_dates import due_dates
from lending.domain.contract.terms import PeriodUnit, Terms

MONTH_UNITS = 30
"""Of the 360 units of a year under MONTHS/12."""


def period_units(terms: Terms, on: date, dues: Sequence[date]) -> list[int]:
    """Count the units of each period, of which YEAR_UNITS of the day count are a year.

    Under MONTHS/12 a period of months counts as these, however its due dates are clamped or moved; one that is broken
    (before first_due, before last_due) as its own months and days.
    """
    edges = (terms.counted_from or on, *dues)
    if terms.day_count in DAILY:
        places = [place_of(terms.day_count, day_number(day)) for day in edges]
        return [end - start for start, end in pairwise(places)]
    units = [units_between(start, end, terms.day_count, maturity=dues[-1]) for start, end in pairwise(edges)]
    if terms.day_count is DayCount.MONTHS_12 and terms.unit is PeriodUnit.MONTH:
        first, last = terms.first_due is not None, len(units) - (terms.last_due is not None)
        units[first:last] = [MONTH_UNITS * terms.every] * (last - first)
    return units


class Places(dict[int, int]):
    """The places of days on the line of units, of which `year` are one; each is found when it is first asked for.

    Days are numbers since 1970-01-01. Days before free_until share one place: they earn nothing.
    """

    def __init__(self, day_count: DayCount, *, free_until: int | None = None) -> None:
        super().__init__()
        self.year = YEAR_UNITS[day_count]
        self._day_count = day_count
        self._free_until = free_until

    def __missing__(self, day: int) -> int:
        free_until = self._free_until
        self[day] = place = self._place(day if free_until is None else max(day, free_until))
        return place

    def _place(self, day: int) -> int:
        return place_of(self._day_count, day)


class PlacesByPeriod(Places):
    """The places of days under a day count that measures whole periods: each day of one has an equal part of it."""

    def __init__(self, terms: Terms, on: date, *, free_until: int | None = None) -> None:
        super().__init__(terms.day_count, free_until=free_until)
        self._dues = due_dates(terms, on)
        edges = list(map(day_number, (terms.counted_from or on, *self._dues)))
        self._scale = lcm(*(end - start for start, end in pairwise(edges)))
        self._starts = edges
        self._units = [0, *accumulate(period_units(terms, on, self._dues))]
        self.year *= self._scale

    def _place(self, day: int) -> int:
        period = bisect_right(self._starts, day) - 1
        if period == len(self._dues):
            units = units_between(self._dues[-1], date_of(day), self._day_count)
            return (self._units[-1] + units) * self._scale
        start, end = self._starts[period : period + 2]
        units = self._units[period + 1] - self._units[period]
        return self._units[period] * self._scale + units * (day - start) * (self._scale // (end - start))


@dataclass(frozen=True, slots=True)
class FlatInterest:
    """Flat interest: that of each period is charged evenly over its days. Days are numbers since 1970-01-01."""

    edges: Sequence[int]
    charged: Sequence[int]

    def to(self, day: int) -> int:
        """Return the interest to the start of a day, from the disbursement on."""
        period = bisect_right(self.edges, day) - 1
        before = sum(self.charged[:period])
        if period == len(self.charged):
            return before
        start, end = self.edges[period : period + 2]
        return before + half_even(self.charged[period] * (day - start), end - start)


def places_of(terms: Terms, on: date) -> Places:
    """Return the places of a loan's days from its disbursement on."""
    free_until = day_number(due_dates(terms, on)[terms.interest_free - 1]) if terms.interest_free else None
    if terms.day_count not in DAILY:
        return PlacesByPeriod(terms, on, free_until=free_until)
    return _SHARED[terms.day_count] if free_until is None else Places(terms.day_count, free_until=free_until)


_SHARED = {day_count: Places(day_count) for day_count in DAILY}
"""Of loans whose days are placed by their day count alone: a night asks for the same days again and again."""
