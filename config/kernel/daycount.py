"""Count time in whole units of a year, so that interest can be summed in integers.

A unit is 1/365 of a year for ACT/365F, 1/360 for ACT/360 and 30E/360, and 1/(365 x 366) for ACT/ACT, where a day
weighs 366 units in a common year and 365 in a leap year. Under 30E/360 a day weighs 0, 1, 2 or 3.
Under these (DAILY) every day has a weight of its own, so that they suit interest by the day. Under the others a
period is more than the sum of its days, or less: they are known by `units_between` alone.
"""

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from config.kernel.calendar import FEBRUARY, add_months, day_number, is_last_of_february
from config.kernel.exact import Int64s


class DayCount(StrEnum):
    """The day count conventions (ISDA 2006 definitions, section 4.16, unless said)."""

    ACT_365F = "ACT/365F"
    ACT_360 = "ACT/360"
    ACT_ACT = "ACT/ACT"  # ISDA: of each calendar year
    ACT_ACT_END = "ACT/ACT END"  # the same, each day counted at its end: a 31 December is of the next year
    E30_360 = "30E/360"
    ACT_364 = "ACT/364"  # 52 weeks
    ACT_365_25 = "ACT/365.25"
    ACT_365_ACTUAL = "ACT/365A"  # over 366 if a 29 February lies after the start and not after the end
    ACT_ACT_AFB = "ACT/ACT AFB"  # French Banking Federation: whole years back from the end, then ACT/365A
    ACT_ACT_YEAR = "ACT/ACT YEAR"  # whole years from the start, then over the days of the year that begins there
    NL_365 = "NL/365"  # every 29 February is left out
    NL_360 = "NL/360"
    BOND_30_360 = "30/360"  # a 31st is a 30th, at the end only if the start is a 30th
    US_30_360 = "30U/360"  # the same, and the last of February is a 30th, at the end only if it is at the start
    ISDA_30E_360 = "30E/360 ISDA"  # a 31st or last of February is a 30th, but not the last of February of maturity
    PLUS_30E_360 = "30E+/360"  # a 31st at the start is a 30th, at the end the 1st of the next month
    ISDA_30E_365 = "30E/365"  # a 31st or last of February is a 30th
    MONTHS_12 = "MONTHS/12"  # a whole month, whatever its length, is a twelfth; each day left over 1/360


DAILY: Final = (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT, DayCount.E30_360, DayCount.ACT_ACT_END)
YEAR_UNITS: Final[Mapping[DayCount, int]] = MappingProxyType(
    {
        **dict.fromkeys(DayCount, 360),
        **dict.fromkeys((DayCount.ACT_365F, DayCount.NL_365, DayCount.ISDA_30E_365), 365),
        **dict.fromkeys((DayCount.ACT_ACT, DayCount.ACT_ACT_END), 365 * 366),
        **dict.fromkeys((DayCount.ACT_ACT_AFB, DayCount.ACT_ACT_YEAR, DayCount.ACT_365_ACTUAL), 365 * 366),
        DayCount.ACT_364: 364,
        DayCount.ACT_365_25: 4 * 365 + 1,
    }
)


def units_at(days: Int64s, day_count: DayCount) -> Int64s:
    """Place days (numbers since 1970-01-01) on a line of units; two places YEAR_UNITS apart are a year apart.

    The difference of two places is their `units_between`. Raises ValueError for a day count that is not DAILY.
    """
    match day_count:
        case DayCount.ACT_365F | DayCount.ACT_360:
            return days
        case DayCount.ACT_ACT:
            years = days.astype("datetime64[D]").astype("datetime64[Y]")
            first = years.astype("datetime64[D]").astype(np.int64)
            length = (years + 1).astype("datetime64[D]").astype(np.int64) - first
            return years.astype(np.int64) * YEAR_UNITS[day_count] + (days - first) * (YEAR_UNITS[day_count] // length)
        case DayCount.ACT_ACT_END:
            return units_at(days + 1, DayCount.ACT_ACT)
        case DayCount.E30_360:
            months = days.astype("datetime64[D]").astype("datetime64[M]")
            day_of_month = days - months.astype("datetime64[D]").astype(np.int64) + 1
            return 30 * months.astype(np.int64) + np.minimum(day_of_month, 30)
        case _:
            message = f"{day_count} gives a day no weight of its own"
            raise ValueError(message)


@lru_cache(maxsize=65_536)
def place_of(day_count: DayCount, day: int) -> int:
    """Place one day, its number since 1970-01-01, on the line of units (see units_at): loans share their days."""
    return int(units_at(np.array([day], np.int64), day_count)[0])


def units_between(start: date, end: date, day_count: DayCount, *, maturity: date | None = None) -> int:
    """Count the units of YEAR_UNITS from a date to one that is not before it; maturity: for 30E/360 ISDA alone."""
    if day_count in DAILY:
        first, last = units_at(np.array([day_number(start), day_number(end)], np.int64), day_count).tolist()
        return int(last - first)
    if day_count is DayCount.ISDA_30E_360 and end == maturity:
        return _months_of_thirty(start, end, _thirtieth(start), min(end.day, 30))
    return _UNITS[day_count](start, end)


def _days(start: date, end: date) -> int:
    return (end - start).days


def _leap_days(start: date, end: date) -> list[date]:
    """Return each 29 February from the start to the end, both included."""
    days = [date(year, FEBRUARY, 29) for year in range(start.year, end.year + 1) if isleap(year)]
    return [day for day in days if start <= day <= end]


def _act_365_actual(start: date, end: date) -> int:
    return _days(start, end) * (365 if any(day > start for day in _leap_days(start, end)) else 366)


def _act_act_afb(start: date, end: date) -> int:
    years = end.year - start.year
    years -= add_months(end, -12 * years, month_end=True) < start
    until = add_months(end, -12 * years, month_end=True)
    of_366 = any(day < until for day in _leap_days(start, until))
    return years * 365 * 366 + _days(start, until) * (365 if of_366 else 366)


def _act_act_year(start: date, end: date) -> int:
    years = end.year - start.year
    years -= add_months(start, 12 * years) > end
    begun = add_months(start, 12 * years)
    is_leap = isleap(begun.year + (begun.month > FEBRUARY)) and (begun.month, begun.day) != (FEBRUARY, 29)
    return years * 365 * 366 + _days(begun, end) * (365 if is_leap else 366)


def _without_leap_days(start: date, end: date) -> int:
    return _days(start, end) - sum(day > start for day in _leap_days(start, end))


def _months_of_thirty(start: date, end: date, first: int, last: int) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first


def _thirtieth(on: date) -> int:
    return 30 if is_last_of_february(on) else min(on.day, 30)


def _months(start: date, end: date) -> int:
    months = 12 * (end.year - start.year) + end.month - start.month
    months -= add_months(start, months) > end
    return 30 * months + _days(add_months(start, months), end)


def _bond(start: date, end: date) -> int:
    first = min(start.day, 30)
    return _months_of_thirty(start, end, first, min(end.day, 30) if first == 30 else end.day)  # noqa: PLR2004


def _us(start: date, end: date) -> int:
    if not is_last_of_february(start):
        return _bond(start, end)
    return _months_of_thirty(start, end, 30, 30 if is_last_of_february(end) else min(end.day, 30))


def _e_plus(start: date, end: date) -> int:
    return _months_of_thirty(start, end, min(start.day, 30), end.day)  # a 31st is 30 + 1: the 1st of the next month


def _isda_e(start: date, end: date) -> int:
    return _months_of_thirty(start, end, _thirtieth(start), _thirtieth(end))


_UNITS: Final[Mapping[DayCount, Callable[[date, date], int]]] = MappingProxyType(
    {
        DayCount.ACT_364: _days,
        DayCount.ACT_365_25: lambda start, end: 4 * _days(start, end),
        DayCount.ACT_365_ACTUAL: _act_365_actual,
        DayCount.ACT_ACT_AFB: _act_act_afb,
        DayCount.ACT_ACT_YEAR: _act_act_year,
        DayCount.NL_365: _without_leap_days,
        DayCount.NL_360: _without_leap_days,
        DayCount.BOND_30_360: _bond,
        DayCount.US_30_360: _us,
        DayCount.PLUS_30E_360: _e_plus,
        DayCount.ISDA_30E_360: _isda_e,
        DayCount.ISDA_30E_365: _isda_e,
        DayCount.MONTHS_12: _months,
    }
)
