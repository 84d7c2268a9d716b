"""The fraction of a year between two dates, as ISDA 2006 section 4.16 defines it: the slow model of daily counts."""

from datetime import date, timedelta
from fractions import Fraction

from config.kernel.daycount import DayCount


def year_fraction(start: date, end: date, convention: DayCount) -> Fraction:
    """Give the year fraction of [start, end); it is negative where end lies before start."""
    days = (end - start).days
    match convention:
        case DayCount.ACT_365F:
            return Fraction(days, 365)
        case DayCount.ACT_360:
            return Fraction(days, 360)
        case DayCount.ACT_ACT:
            return _position(end) - _position(start)
        case DayCount.ACT_ACT_END:
            return _position(end + timedelta(days=1)) - _position(start + timedelta(days=1))
        case DayCount.E30_360:
            return Fraction(_months_of_thirty(end) - _months_of_thirty(start), 360)
        case _:
            message = f"{convention} gives a day no weight of its own"
            raise ValueError(message)


def _position(on: date) -> Fraction:
    """Place a date on the line of years, each year one long: so every day of a leap year is 1/366."""
    first = date(on.year, 1, 1)
    length = (date(on.year + 1, 1, 1) - first).days if on.year < date.max.year else 365
    return on.year + Fraction((on - first).days, length)


def _months_of_thirty(on: date) -> int:
    return 360 * on.year + 30 * on.month + min(on.day, 30)
