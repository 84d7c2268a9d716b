from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.daycount import DAILY, YEAR_UNITS, DayCount, units_at, units_between
from tests.year_fraction import year_fraction

dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))
conventions = st.sampled_from(DAILY)
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
# The conventions of whole periods; from the ISDA and ICMA definitions, and those of the French Banking Federation.
PERIODS_BY_HAND = [
    (DayCount.ACT_364, "2023-01-01", "2023-12-31", Fraction(1)),
    (DayCount.ACT_365_25, "2023-01-01", "2027-01-01", Fraction(4)),
    # 29 February counts at the end, not at the start
    (DayCount.ACT_365_ACTUAL, "2023-02-28", "2024-02-29", Fraction(366, 366)),
    (DayCount.ACT_365_ACTUAL, "2024-02-29", "2024-03-31", Fraction(31, 365)),
    # here it counts at the start, not at the end
    (DayCount.ACT_ACT_AFB, "2024-01-15", "2024-02-29", Fraction(45, 365)),
    (DayCount.ACT_ACT_AFB, "2024-02-29", "2024-03-31", Fraction(31, 366)),
    (DayCount.ACT_ACT_AFB, "2023-01-31", "2026-02-28", 3 + Fraction(28, 365)),
    (DayCount.ACT_ACT_YEAR, "2023-03-01", "2024-02-01", Fraction(337, 366)),
    (DayCount.ACT_ACT_YEAR, "2024-02-29", "2025-02-28", Fraction(1)),
    (DayCount.NL_365, "2024-02-28", "2024-03-01", Fraction(1, 365)),
    (DayCount.NL_360, "2024-02-28", "2024-03-01", Fraction(1, 360)),
    (DayCount.BOND_30_360, "2024-01-29", "2024-01-31", Fraction(2, 360)),
    (DayCount.BOND_30_360, "2024-01-30", "2024-03-31", Fraction(60, 360)),
    (DayCount.BOND_30_360, "2023-02-28", "2023-03-31", Fraction(33, 360)),
    (DayCount.US_30_360, "2023-02-28", "2023-03-31", Fraction(30, 360)),
    (DayCount.US_30_360, "2023-02-28", "2024-02-29", Fraction(1)),
    (DayCount.US_30_360, "2023-03-31", "2024-02-29", Fraction(329, 360)),
    (DayCount.ISDA_30E_360, "2023-02-28", "2023-03-31", Fraction(30, 360)),
    (DayCount.ISDA_30E_360, "2023-03-31", "2024-02-29", Fraction(330, 360)),
    (DayCount.PLUS_30E_360, "2024-01-31", "2024-03-31", Fraction(61, 360)),
    (DayCount.ISDA_30E_365, "2023-02-28", "2023-03-31", Fraction(30, 365)),
    (DayCount.MONTHS_12, "2024-01-31", "2024-02-29", Fraction(1, 12)),
    (DayCount.MONTHS_12, "2024-01-31", "2024-04-02", Fraction(2, 12) + Fraction(2, 360)),
    (DayCount.MONTHS_12, "2024-01-31", "2024-03-30", Fraction(1, 12) + Fraction(30, 360)),
]
LAST_COUNTED = [
    ("2023-12-30", "2023-12-31", Fraction(1, 365)),
    ("2023-12-31", "2024-01-01", Fraction(1, 366)),  # of the next year
    ("2024-12-31", "2025-01-01", Fraction(1, 365)),
    ("2023-12-01", "2024-02-01", Fraction(30, 365) + Fraction(32, 366)),
]
ORDER = (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT, DayCount.E30_360)


@pytest.mark.parametrize("period", BY_HAND)
def test_each_convention_by_hand(period: tuple[str, str]) -> None:
    start, end = map(date.fromisoformat, period)
    assert tuple(year_fraction(start, end, convention) for convention in ORDER) == BY_HAND[period]
    assert tuple(counted(start, end, convention) for convention in ORDER) == BY_HAND[period]


@pytest.mark.parametrize(("start", "end", "years"), LAST_COUNTED)
def test_a_day_may_be_counted_at_its_end(start: str, end: str, years: Fraction) -> None:
    days = date.fromisoformat(start), date.fromisoformat(end)
    assert year_fraction(*days, DayCount.ACT_ACT_END) == counted(*days, DayCount.ACT_ACT_END) == years


def counted(start: date, end: date, convention: DayCount) -> Fraction:
    days = np.array([start.toordinal(), end.toordinal()], np.int64) - date(1970, 1, 1).toordinal()
    first, last = units_at(days, convention).tolist()
    return Fraction(last - first, YEAR_UNITS[convention])


@pytest.mark.parametrize(("convention", "start", "end", "years"), PERIODS_BY_HAND)
def test_periods_by_hand(convention: DayCount, start: str, end: str, years: Fraction) -> None:
    units = units_between(date.fromisoformat(start), date.fromisoformat(end), convention)
    assert Fraction(units, YEAR_UNITS[convention]) == years


def test_the_last_of_february_is_no_thirtieth_at_maturity() -> None:
    start, end = date(2023, 3, 31), date(2024, 2, 29)
    assert units_between(start, end, DayCount.ISDA_30E_360, maturity=end) == 329
    assert units_between(start, end, DayCount.ISDA_30E_360, maturity=date(2024, 5, 31)) == 330


@given(dates, st.integers(0, 5_000), st.sampled_from(DayCount))
def test_a_time_is_about_its_days_of_a_year(start: date, days: int, convention: DayCount) -> None:
    """Red if a month, a year or a leap day is counted twice or not at all."""
    years = Fraction(units_between(start, start + timedelta(days=days), convention), YEAR_UNITS[convention])
    assert abs(years - Fraction(days, 365)) <= Fraction(5, 360) + Fraction(days, 365) / 50


@pytest.mark.parametrize("convention", sorted(set(DayCount) - set(DAILY)))
def test_a_convention_of_periods_weighs_no_day(convention: DayCount) -> None:
    with pytest.raises(ValueError, match="no weight"):
        units_at(np.array([0], np.int64), convention)


def test_every_convention_is_tried() -> None:
    assert {*ORDER, DayCount.ACT_ACT_END} == set(DAILY)
    assert set(DAILY) | {convention for convention, *_ in PERIODS_BY_HAND} == set(DayCount)


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
