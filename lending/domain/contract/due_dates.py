"""On which dates the instalments of a loan fall due."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from config.kernel.business_days import BusinessCalendar, BusinessDayRule, UnknownDay
from config.kernel.calendar import add_months
from config.kernel.documents import Unfit, unfit
from lending.domain.contract.fields import refusing
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.terms import DAYS_OF, LONGEST, MonthEnd, PeriodUnit, Terms


class _Rhythm(NamedTuple):
    """What due dates follow from, of the terms: a night counts those of each loan that it replays, and few differ."""

    periods: int
    every: int
    unit: PeriodUnit
    first_due: date | None
    counted_from: date | None
    last_due: date | None
    month_end: MonthEnd
    business_days: BusinessDayRule
    calendar: BusinessCalendar | None


_READ = attrgetter(*_Rhythm._fields)


def due_dates(terms: Terms, on: date) -> list[date]:
    """Return the due date that ends each period of a loan disbursed on a date; all lie after it, and ascend.

    Raises LoanRefused (BAD_TERMS) where they do not, where one lies after the year 9999, and where the calendar does
    not know one.
    """
    return [*_due_dates(_Rhythm._make(_READ(terms)), on)]


@lru_cache(maxsize=4_096)
def _due_dates(terms: _Rhythm, on: date) -> tuple[date, ...]:
    with refusing(LoanRefusal.BAD_TERMS, "terms"):
        if terms.first_due is not None and terms.first_due <= on:
            raise unfit(terms.first_due.isoformat(), "first_due", f"after the disbursement on {on}")
        if terms.counted_from is not None and terms.counted_from > on:
            raise unfit(terms.counted_from.isoformat(), "counted_from", f"on or before the disbursement on {on}")
        dues = _counted(terms, on)
        if terms.last_due is not None:
            dues[-1] = terms.last_due
        dues = [_adjusted(due, terms) for due in dues]
        _require_ascending([on, *dues])
        return tuple(dues)


def regular_start(terms: Terms, on: date) -> date:
    """Return the day on which the first period would begin if it were as long as the others, or the disbursement."""
    if terms.first_due is None:
        return on
    try:
        return max(on, _moved(terms.first_due, -terms.every, terms))
    except (ValueError, OverflowError):  # before the year 1
        return on


def known_periods(terms: Terms, on: date) -> int:
    """Return how many due dates of a loan disbursed on a date its calendar knows, before the first that it does not."""
    for number, due in enumerate(_counted(terms, on)):
        try:
            _adjusted(due, terms)
        except Unfit:
            return number
    return terms.periods


def due_dates_from(terms: Terms, on: date, *, since: date, count: int) -> list[date]:
    """Return so many due dates from a date on, counted on beyond the agreed periods. Raises Unfit as due_dates does."""
    start, first = (terms.counted_from or on, 1) if terms.first_due is None else (terms.first_due, 0)
    found = list[date]()
    for number in range(first, first + LONGEST):
        try:
            due = _adjusted(_moved(start, number * terms.every, terms), terms)
        except (ValueError, OverflowError) as error:
            message = f"periods: they would end after the year {date.max.year}"
            raise Unfit(message) from error
        if due >= since:
            found.append(due)
        if len(found) == count:
            _require_ascending(found)
            return found
    message = f"periods: they would end more than {LONGEST} periods after the first"
    raise Unfit(message)


def _require_ascending(dues: Sequence[date]) -> None:
    for before, due in pairwise(dues):
        if due <= before:
            message = f"due dates: {due} is not after {before}"
            raise Unfit(message)


def _counted(terms: Terms | _Rhythm, on: date) -> list[date]:
    first, start = (0, terms.first_due) if terms.first_due else (1, terms.counted_from or on)
    try:
        return [_moved(start, number * terms.every, terms) for number in range(first, first + terms.periods)]
    except (ValueError, OverflowError) as error:
        message = f"periods: the last due date lies after the year {date.max.year}"
        raise Unfit(message) from error


def _adjusted(due: date, terms: Terms | _Rhythm) -> date:
    if terms.calendar is None:
        return due
    try:
        return terms.calendar.adjusted(due, terms.business_days)
    except UnknownDay as error:
        message = f"calendar: {error}"
        raise Unfit(message) from error


def _moved(start: date, units: int, terms: Terms | _Rhythm) -> date:
    """Move a date by units; the day of the month is always counted from the start."""
    if terms.unit is not PeriodUnit.MONTH:
        return start + timedelta(days=units * DAYS_OF[terms.unit])
    moved = add_months(start, units, month_end=terms.month_end is MonthEnd.STAY_LAST)
    is_missing = moved.day < start.day and terms.month_end is MonthEnd.NEXT_DAY
    return moved + timedelta(days=1) if is_missing else moved
