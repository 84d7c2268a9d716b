from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.daycount import YEAR_UNITS, DayCount, units_at
from tests.year_fraction import year_fraction

dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))
conventions = st.sampled_from(DayCount)
# Worked by hand from ISDA 2006, section 4.16: (b) ACT/ACT by years, (d) ACT/365F, (e) ACT/360, (g) 30E/360.
BY_HAND = {
    ("2023-01-01", "2024-01-01"): (Fraction(1), Fraction(365, 360), Fraction(1), Fraction(1)),
    ("2024-01-01", "2025-01-01"): (Fraction(366, 365), Fraction(366, 360), Fraction(1), Fraction(1)),
    ("2023-12-01", "2024-03-01"): (
        Fraction(91, 365),
        Fraction(91, 360),
        Fraction(31, 365) + Fraction(60, 366),
        Fraction(90, 360),
    ),
    # ISDA's own example of ACT/ACT: 61 days of 2003, 121 of 2004.
    ("2003-11-01", "2004-05-01"): (
        Fraction(182, 365),
        Fraction(182, 360),
        Fraction(61, 365) + Fraction(121, 366),
        Fraction(180, 360),
    ),
    ("2024-01-31", "2024-02-29"): (Fraction(29, 365), Fraction(29, 360), Fraction(29, 366), Fraction(29, 360)),
    ("2023-02-28", "2023-03-31"): (Fraction(31, 365), Fraction(31, 360), Fraction(31, 365), Fraction(32, 360)),
    ("2023-01-30", "2023-01-31"): (Fraction(1, 365), Fraction(1, 360), Fraction(1, 365), Fraction(0)),
    ("2020-02-28", "2024-02-29"): (
        Fraction(1462, 365),
        Fraction(1462, 360),
        Fraction(308, 366) + 3 + Fraction(59, 366),
        Fraction(1441, 360),
    ),
}
ORDER = (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT, DayCount.E30_360)


@pytest.mark.parametrize("period", BY_HAND)
def test_each_convention_by_hand(period: tuple[str, str]) -> None:
    start, end = map(date.fromisoformat, period)
    assert tuple(year_fraction(start, end, convention) for convention in ORDER) == BY_HAND[period]
    assert tuple(counted(start, end, convention) for convention in ORDER) == BY_HAND[period]


def counted(start: date, end: date, convention: DayCount) -> Fraction:
    days = np.array([start.toordinal(), end.toordinal()], np.int64) - date(1970, 1, 1).toordinal()
    first, last = units_at(days, convention).tolist()
    return Fraction(last - first, YEAR_UNITS[convention])


def test_every_convention_is_tried() -> None:
    assert set(ORDER) == set(DayCount)


@given(dates, dates, dates, conventions)
def test_two_periods_add_up_to_one(first: date, second: date, third: date, convention: DayCount) -> None:
    """Red for a day count by whole periods (30E/360 of a clamped end, ACT/ACT by the first year's length)."""
    whole = year_fraction(first, third, convention)
    assert year_fraction(first, second, convention) + year_fraction(second, third, convention) == whole


@given(dates, dates, conventions)
def test_backwards_is_negative(start: date, end: date, convention: DayCount) -> None:
    assert year_fraction(end, start, convention) == -year_fraction(start, end, convention)


@given(dates, st.integers(0, 5_000), conventions)
def test_time_never_runs_back(start: date, days: int, convention: DayCount) -> None:
    end = start + timedelta(days=days)
    assert 0 <= year_fraction(start, end, convention) <= year_fraction(start, end + timedelta(days=1), convention)


@given(st.integers(1900, 2200), st.integers(1, 50))
def test_whole_years_are_whole_where_years_are_equal(year: int, years: int) -> None:
    start, end = date(year, 1, 1), date(year + years, 1, 1)
    assert year_fraction(start, end, DayCount.ACT_ACT) == year_fraction(start, end, DayCount.E30_360) == years


def test_the_last_year_has_an_end() -> None:
    assert year_fraction(date(9999, 1, 1), date.max, DayCount.ACT_ACT) == Fraction(364, 365)
