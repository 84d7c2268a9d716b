"""Business calendars of countries, from kept libraries: a year that one does not really know is refused."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from importlib.metadata import version
from typing import Final

from config.kernel.business_days import BusinessCalendar

WEEKEND: Final = (6, 7)
BANKS_CLOSE: Final = {"Carnival": 2, "Corpus Christi": 1}
"""On how many days of a year Brazil's banks close that are no national holidays (CMN Resolution 4.880/2020)."""


class Library(StrEnum):
    """The calendars that come from a library."""

    CHINA = "china"
    BRAZIL = "brazil"


PACKAGES: Final = {Library.CHINA: "chinesecalendar", Library.BRAZIL: "holidays"}


class YearUnknown(Exception):
    """The library does not know a year; the message says which."""


def read_library(library: Library, *, first_year: int, last_year: int) -> tuple[BusinessCalendar, str]:
    """Make the calendar of some years, both included; return it with the library and its version. Raises YearUnknown.

    Weekends are Saturday and Sunday; a holiday on one is not listed.
    """
    is_business_day = READERS[library]
    found = {day: is_business_day(day) for day in _days(first_year, last_year)}
    calendar = BusinessCalendar(
        name=library.value,
        first_year=first_year,
        last_year=last_year,
        weekend=WEEKEND,
        holidays=tuple(day for day, works in found.items() if not works and day.isoweekday() not in WEEKEND),
        working=tuple(day for day, works in found.items() if works and day.isoweekday() in WEEKEND),
    )
    package = PACKAGES[library]
    return calendar, f"{package} {version(package)}"


def _days(first_year: int, last_year: int) -> Iterator[date]:
    first = date(first_year, 1, 1)
    yield from (first + timedelta(days=days) for days in range((date(last_year, 12, 31) - first).days + 1))


def _china(day: date) -> bool:
    """Tell by the notices of the State Council: which weekends are worked is known from these alone.

    `holidays` computes every year up to 2100 and, before its notice, without the weekends that are worked. The library
    itself takes a year for known if any day of it is, as New Year's may be by the notice of the year before.
    """
    from chinese_calendar import constants, is_workday  # noqa: PLC0415 - loaded by whoever enters a calendar

    if date(day.year, 10, 1) not in constants.holidays:
        message = f"{PACKAGES[Library.CHINA]} has no notice of the State Council for {day.year}."
        raise YearUnknown(message)
    return bool(is_workday(day))


def _brazil(day: date) -> bool:
    """Tell by what is no business day for Brazil's banks: national holidays, Carnival and Corpus Christi.

    Not what only the exchange, or offices of the state, have besides: Christmas Eve, New Year's Eve, Ash Wednesday.
    """
    closed = _closed_in_brazil.get(day.year)
    if closed is None:
        closed = _closed_in_brazil[day.year] = _brazil_closed(day.year)
    return day.isoweekday() not in WEEKEND and day not in closed


_closed_in_brazil: dict[int, frozenset[date]] = {}


def _brazil_closed(year: int) -> frozenset[date]:
    from holidays import country_holidays  # noqa: PLC0415 - loaded by whoever enters a calendar

    national = country_holidays("BR", years=year)
    named = country_holidays("BR", years=year, categories=("optional",), language="en_US")
    closed = {day: name for day, name in named.items() if name in BANKS_CLOSE}
    for name, days in BANKS_CLOSE.items():
        if sum(one == name for one in closed.values()) != days:
            message = f"{PACKAGES[Library.BRAZIL]} does not say when {name} of {year} is."
            raise YearUnknown(message)
    return frozenset(national) | frozenset(closed)


READERS: Final[Mapping[Library, Callable[[date], bool]]] = {Library.CHINA: _china, Library.BRAZIL: _brazil}
