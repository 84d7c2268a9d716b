"""Count time in whole units of a year, so that interest can be summed in integers.

A unit is 1/365 of a year for ACT/365F, 1/360 for ACT/360 and 30E/360, and 1/(365 x 366) for ACT/ACT, where a day
weighs 366 units in a common year and 365 in a leap year. Under 30E/360 a day weighs 0, 1, 2 or 3.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from config.kernel.exact import Int64s


class DayCount(StrEnum):
    """The day count conventions (ISDA 2006 definitions, section 4.16)."""

    ACT_365F = "ACT/365F"
    ACT_360 = "ACT/360"
    ACT_ACT = "ACT/ACT"
    E30_360 = "30E/360"


YEAR_UNITS: Final[Mapping[DayCount, int]] = MappingProxyType(
    {DayCount.ACT_365F: 365, DayCount.ACT_360: 360, DayCount.ACT_ACT: 365 * 366, DayCount.E30_360: 360}
)


def units_at(days: Int64s, day_count: DayCount) -> Int64s:
    """Place days (numbers since 1970-01-01) on a line of units; two places YEAR_UNITS apart are a year apart.

    The difference of two places over YEAR_UNITS is the kernel's `year_fraction` of the days between, exactly.
    """
    match day_count:
        case DayCount.ACT_365F | DayCount.ACT_360:
            return days
        case DayCount.ACT_ACT:
            years = days.astype("datetime64[D]").astype("datetime64[Y]")
            first = years.astype("datetime64[D]").astype(np.int64)
            length = (years + 1).astype("datetime64[D]").astype(np.int64) - first
            return years.astype(np.int64) * YEAR_UNITS[day_count] + (days - first) * (YEAR_UNITS[day_count] // length)
        case DayCount.E30_360:
            months = days.astype("datetime64[D]").astype("datetime64[M]")
            day_of_month = days - months.astype("datetime64[D]").astype(np.int64) + 1
            return 30 * months.astype(np.int64) + np.minimum(day_of_month, 30)


@lru_cache(maxsize=65_536)
def place_of(day_count: DayCount, day: int) -> int:
    """Place one day, its number since 1970-01-01, on the line of units (see units_at): loans share their days."""
    return int(units_at(np.array([day], np.int64), day_count)[0])
