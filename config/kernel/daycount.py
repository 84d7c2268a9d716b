"""Measure time between two dates as a fraction of a year, exactly."""

from datetime import date
from enum import StrEnum
from fractions import Fraction


class DayCount(StrEnum):
    """Name the day count conventions (ISDA 2006 definitions, section 4.16)."""

    ACT_365F = "ACT/365F"
    ACT_360 = "ACT/360"
    ACT_ACT = "ACT/ACT"
    E30_360 = "30E/360"


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
        case DayCount.E30_360:
            return Fraction(_months_of_thirty(end) - _months_of_thirty(start), 360)


def _position(on: date) -> Fraction:
    """Place a date on the line of years, each year one long: so every day of a leap year is 1/366."""
    first = date(on.year, 1, 1)
    length = (date(on.year + 1, 1, 1) - first).days if on.year < date.max.year else 365
    return on.year + Fraction((on - first).days, length)


def _months_of_thirty(on: date) -> int:
    return 360 * on.year + 30 * on.month + min(on.day, 30)
