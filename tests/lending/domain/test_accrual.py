from copy import copy
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import day_number
from config.kernel.daycount import DAILY, YEAR_UNITS, DayCount, units_at
from config.kernel.exact import decimals_of, half_even, scaled
from lending.domain.contract.accrual import Accrual
from tests.year_fraction import year_fraction

HUGE = st.integers(0, 10**15)
DAYS = st.integers(day_number(date(1900, 1, 1)), day_number(date(2200, 1, 1)))


def place(day: int, day_count: DayCount) -> int:
    return int(units_at(np.array([day], np.int64), day_count)[0])


@st.composite
def loans(draw: st.DrawFn, amounts: st.SearchStrategy[int]) -> tuple[Accrual, DayCount, int]:
    day_count, day, decimals = draw(st.sampled_from(DAILY)), draw(DAYS), draw(st.integers(0, 12))
    principal = draw(amounts)
    row = Accrual(
        at=place(day, day_count),
        principal=principal,
        overdue=draw(st.integers(0, principal)),
        rate=draw(st.integers(0, 2 * 10**decimals)),
        interest=draw(amounts) * 365,
        penalty=draw(amounts),
        year=10**decimals * YEAR_UNITS[day_count],
        extra=draw(st.integers(0, 1000)),
        extra_scale=1000,
    )
    return row, day_count, day


@given(st.dates(date(1, 1, 2)), st.dates(date(1, 1, 2)), st.sampled_from(DAILY))
def test_units_are_the_kernels_day_count_in_integers(start: date, end: date, day_count: DayCount) -> None:
    """Red if a day of a leap year weighs 366, or 30E/360 counts a 31st."""
    units = place(day_number(end), day_count) - place(day_number(start), day_count)
    assert Fraction(units, YEAR_UNITS[day_count]) == year_fraction(start, end, day_count)


def test_a_day_of_30e_360_weighs_up_to_three_units() -> None:
    days = [date(2023, 2, 28), date(2024, 2, 28), date(2024, 2, 29), date(2024, 1, 30), date(2024, 1, 31)]
    weights = [place(day_number(day) + 1, DayCount.E30_360) - place(day_number(day), DayCount.E30_360) for day in days]
    assert weights == [3, 1, 2, 0, 1]


@given(st.integers(-(10**6), 10**18), st.integers(1, 10**18))
def test_half_even_rounds_as_the_kernel_does(numerator: int, denominator: int) -> None:
    """Red if a tie goes up."""
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))
    column = half_even(np.array([numerator % 10**6, denominator]), np.array([denominator % 10**6 + 1, 2]))
    wanted = [Fraction(numerator % 10**6, denominator % 10**6 + 1), Fraction(denominator, 2)]
    assert column.tolist() == list(map(round, wanted))


@given(st.decimals(0, 100, allow_nan=False, allow_infinity=False, places=12))
def test_a_rate_is_an_exact_numerator(rate: Decimal) -> None:
    decimals = decimals_of(rate)
    assert Fraction(scaled(rate, decimals), 10**decimals) == Fraction(rate)
    assert decimals == 0 or scaled(rate, decimals) % 10


@given(loans(HUGE), st.integers(0, 900), st.integers(0, 900))
def test_a_day_skipped_or_closed_twice_changes_nothing(
    loan: tuple[Accrual, DayCount, int], first: int, second: int
) -> None:
    """Red if what accrued is rounded before it is carried on."""
    row, day_count, day = loan
    once, twice = copy(row), copy(row)
    once.advance(place(day + first + second, day_count))
    for stop in (first, first, first + second, first + second):
        twice.advance(place(day + stop, day_count))
    assert once == twice


@given(loans(st.integers(0, 10**7) | HUGE), st.integers(0, 3_000))
def test_up_to_where_it_fits_no_sum_exceeds_64_bits(loan: tuple[Accrual, DayCount, int], days: int) -> None:
    """Red if one of the sums that rounding needs were forgotten, or the bound were a unit too far."""
    row, day_count, day = loan
    last, to = row.fits_to(), place(day + days, day_count)
    row.advance(to)
    scale = row.year * row.extra_scale
    sums = (2 * row.interest + row.year, 2 * row.penalty * row.extra + scale, 2 * scale)
    assert to > last or max(sums) < 2**63
