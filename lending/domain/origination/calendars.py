"""Business calendars as data, and which terms they allow: a due date that is not known is not agreed to."""

from bisect import bisect_left
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from config.kernel.business_days import BusinessCalendar, BusinessDayRule
from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import DoubledKey, load, read, written
from lending.domain.contract.due_dates import known_periods
from lending.domain.contract.terms import Terms
from lending.domain.origination.product import (
    LENDABLE,
    LONGEST_MONTHS,
    Months,
    Product,
    require_code,
    terms_of,
)

SETTLING: Final = timedelta(days=31)
"""How long money may be on its way: the due dates are counted from the day on which it left."""
AHEAD: Final = timedelta(days=90)
"""How long before a product would be refused for want of years it is said."""


class CalendarRefusal(StrEnum):
    """Why a term is not quoted that the product has otherwise."""

    TERM_BEYOND_CALENDAR = "TERM_BEYOND_CALENDAR"


class CalendarMalformed(ValueError):
    """The document is no calendar; the message says why."""


def calendar_from(text: str) -> BusinessCalendar:
    """Read a calendar from its document. Raises CalendarMalformed."""
    try:
        calendar = read(BusinessCalendar, load(text))
        require_code("name", calendar.name)
    except DoubledKey as error:
        message = f"{error} is given twice"
        raise CalendarMalformed(message) from error
    except ValueError as error:
        raise CalendarMalformed(str(error)) from error
    return calendar


def canonical_calendar(calendar: BusinessCalendar) -> tuple[str, str]:
    """Write a calendar in the form to be stored: days in order, each once; return it with its sha256."""
    in_order = replace(
        calendar,
        weekend=tuple(sorted(set(calendar.weekend))),
        holidays=tuple(sorted(set(calendar.holidays))),
        working=tuple(sorted(set(calendar.working))),
    )
    text = canonical_json(written(in_order))
    return text, sha256_of(text)


@lru_cache(maxsize=16)
def sha256_of_calendar(calendar: BusinessCalendar | None) -> str:
    """Return the sha256 of a calendar's document; "" for none."""
    return "" if calendar is None else canonical_calendar(calendar)[1]


@lru_cache(maxsize=16)
def parse_calendar(text: str, sha256: str) -> BusinessCalendar:
    """Parse a stored calendar. Raises CalendarMalformed."""
    if sha256_of(text) != sha256:
        message = f"is not that of the hash {sha256}"
        raise CalendarMalformed(message)
    return calendar_from(text)


def known_months(product: Product, on: date) -> int:
    """Return the longest term whose due dates the product's calendar knows, also if the payout takes a while."""
    if product.contract.business_days is BusinessDayRule.NONE:
        return LONGEST_MONTHS
    if product.calendar is None:
        return 0
    terms = terms_of(product, grade=LENDABLE[0], principal_minor=1, months=LONGEST_MONTHS)
    latest = on + timedelta(days=product.origination.cooling_off_days) + SETTLING
    return min(_known_periods(terms, on), _known_periods(terms, latest))


def is_beyond_calendar(product: Product, months: Months, *, on: date) -> bool:
    """Tell whether a term has a due date that the product's calendar does not know; None: an open-ended one."""
    return (LONGEST_MONTHS if months is None else months) > known_months(product, on)


def within_calendar(product: Product, *, on: date) -> Product:
    """Return the product with those terms alone that its calendar knows: a grade may be left without one."""
    known = known_months(product, on)
    if known == LONGEST_MONTHS:
        return product
    grades = {grade: replace(row, months=min(row.months, known)) for grade, row in product.grades.items()}
    line = None if product.line is None else replace(product.line, open_ended=None)
    return replace(product, grades=MappingProxyType(grades), line=line)


def refused_from(product: Product, *, on: date) -> date | None:
    """Return the first day, at most AHEAD of a date, on which the product's longest term is not offered any more.

    None if there is none: its calendar knows enough years.
    """
    is_open_ended = product.line is not None and product.line.open_ended is not None
    longest = LONGEST_MONTHS if is_open_ended else max(row.months for row in product.grades.values())
    days = range(AHEAD.days + 1)
    first = bisect_left(days, x=True, key=lambda ahead: known_months(product, on + timedelta(days=ahead)) < longest)
    return None if first == len(days) else on + timedelta(days=first)


def knows_dues(terms: Terms, *, on: date) -> bool:
    """Tell whether the calendar of a loan's terms knows its due dates, if the money leaves on a date or soon after."""
    return terms.calendar is None or known_periods(terms, on + SETTLING) == terms.periods


_known_periods = lru_cache(maxsize=256)(known_periods)
