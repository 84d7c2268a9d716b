"""Business days and periods."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

EPOCH = date(1970, 1, 1)
EPOCH_ORDINAL = EPOCH.toordinal()
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
FEBRUARY = 2


def day_number(on: date) -> int:
    """Return the number of a date: whole days since 1970-01-01."""
    return on.toordinal() - EPOCH_ORDINAL


def date_of(day: int) -> date:
    """Convert a day's number back to its date."""
    return date.fromordinal(day + EPOCH_ORDINAL)


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - FIRST_MOMENT) // timedelta(microseconds=1)


def business_day(at: datetime, zone: tzinfo) -> date:
    """Return the date of a moment in the business time zone."""
    return at.astimezone(zone).date()


def midnight(on: date, zone: tzinfo) -> datetime:
    """Return the first moment of a business date, in UTC."""
    return datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=65_536)
def add_months(on: date, months: int, *, day: int | None = None, month_end: bool = False) -> date:
    """Move a date by whole months to the given day of the month (default: its own), at most the month's last.

    month_end: a month's last day stays one.
    """
    years, month = divmod(on.month - 1 + months, 12)
    year = on.year + years
    last = monthrange(year, month + 1)[1]
    stays_last = month_end and on.day == monthrange(on.year, on.month)[1]
    return date(year, month + 1, last if stays_last else min(day or on.day, last))


def is_last_of_february(on: date) -> bool:
    """Tell whether a date is a February's last day."""
    return on.month == FEBRUARY and on.day == monthrange(on.year, FEBRUARY)[1]
