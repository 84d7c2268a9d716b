from copy import copy
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import day_number
from config.kernel.daycount import YEAR_UNITS, DayCount, units_at
from config.kernel.exact import decimals_of, half_even, scaled
from lending.domain.contract.accrual import (
    DAY_COUNTS,
    Accrual,
    GraceEnds,
    advance_column,
    as_column,
    minor_to_date,
    places,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of
from tests.year_fraction import year_fraction

SMALL, HUGE = st.integers(0, 10**7), st.integers(0, 10**15)
DAYS = st.integers(day_number(date(1900, 1, 1)), day_number(date(2200, 1, 1)))
NOBODY = GraceEnds(rows=np.array([], np.int64), days=np.array([], np.int64), principal=np.array([], np.int64))


def place(day: int, day_count: DayCount) -> int:
    return int(units_at(np.array([day], np.int64), day_count)[0])


@st.composite
def loans(draw: st.DrawFn, amounts: st.SearchStrategy[int]) -> tuple[Accrual[int], DayCount, int]:
    day_count, day, decimals = draw(st.sampled_from(DAY_COUNTS)), draw(DAYS), draw(st.integers(0, 12))
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


@given(st.dates(date(1, 1, 2)), st.dates(date(1, 1, 2)), st.sampled_from(DAY_COUNTS))
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
    loan: tuple[Accrual[int], DayCount, int], first: int, second: int
) -> None:
    """Red if what accrued is rounded before it is carried on."""
    row, day_count, day = loan
    once, twice = copy(row), copy(row)
    once.advance(place(day + first + second, day_count))
    for stop in (first, first, first + second, first + second):
        twice.advance(place(day + stop, day_count))
    assert once == twice


@pytest.mark.parametrize("amounts", [SMALL, HUGE], ids=["within int64", "beyond it"])
@given(data=st.data())
def test_a_row_alone_is_the_row_among_many(amounts: st.SearchStrategy[int], data: st.DataObject) -> None:
    """Red without the guard in `_widened`: the sums leave int64 in silence."""
    drawn = data.draw(st.lists(loans(amounts), min_size=1, max_size=12))
    to_day = max(day for _, _, day in drawn) + data.draw(st.integers(0, 400))
    grace_ends = [
        (row, data.draw(st.integers(day, to_day)), data.draw(st.integers(0, loan.principal - loan.overdue)))
        for row, (loan, _, day) in enumerate(drawn)
        for _ in range(data.draw(st.integers(0, 2)))
    ]
    rows, days, principal = (
        np.array(part, np.int64) for part in (zip(*grace_ends, strict=True) if grace_ends else [[]] * 3)
    )
    codes = np.array([DAY_COUNTS.index(day_count) for _, day_count, _ in drawn], np.int64)
    column = advance_column(
        as_column([loan for loan, _, _ in drawn]),
        day_counts=codes,
        to_day=to_day,
        grace_ends=GraceEnds(rows=rows, days=days, principal=principal),
    )
    interest, penalty = minor_to_date(column)
    for row, (loan, day_count, _) in enumerate(drawn):
        for _, since, part in sorted(passing for passing in grace_ends if passing[0] == row):
            loan.advance(place(since, day_count))
            loan.end_grace(part, 0)
        loan.advance(place(to_day, day_count))
        names = Accrual.__dataclass_fields__
        assert [int(getattr(column, name)[row]) for name in names] == [getattr(loan, name) for name in names]
        assert (int(interest[row]), int(penalty[row])) == (loan.interest_minor(), loan.penalty_minor())


def test_ten_thousand_loans_stay_in_int64() -> None:
    terms = terms_of()
    loan = replay(terms, [disbursed(terms)])
    account = loan.account(OPENED)
    assert account is not None
    column = as_column([account.accrual] * 10_000)
    codes = np.full(10_000, DAY_COUNTS.index(terms.day_count), np.int64)
    moved = advance_column(column, day_counts=codes, to_day=day_number(OPENED) + 29, grace_ends=NOBODY)
    assert moved.interest.dtype == np.int64
    assert set(minor_to_date(moved)[0].tolist()) == {loan.state(OPENED + timedelta(29)).interest_to_date_minor}


def test_a_close_of_days_that_were_missed_gives_what_replay_gives() -> None:
    """The row of a late loan streamed over the ends of grace; red if an instalment ripens at the wrong day."""
    terms = terms_of(day_count=DayCount.ACT_ACT)
    change = LoanEvent(id="c", on=OPENED + timedelta(40), type=EventType.RATE_CHANGE, rate=Decimal("0.365"))
    loan = replay(terms, [disbursed(terms), paid("p", 35, 60_000), change])
    start, end = OPENED + timedelta(45), OPENED + timedelta(420)
    account, unpaid = loan.account(start), loan.state(start).unpaid_minor
    ends = [day_number(instalment.due) + terms.grace_days for instalment in loan.schedule]
    later = [number for number, day in enumerate(ends) if day_number(start) < day <= day_number(end)]
    assert account is not None
    codes = np.array([DAY_COUNTS.index(terms.day_count)], np.int64)
    moved = advance_column(
        as_column([account.accrual]),
        day_counts=codes,
        to_day=day_number(end),
        grace_ends=GraceEnds(
            rows=np.zeros(len(later), np.int64),
            days=np.array([ends[number] for number in later], np.int64),
            principal=np.array([unpaid[number] for number in later], np.int64),
        ),
    )
    state = loan.state(end)
    assert len(later) == 11
    assert [int(part[0]) for part in minor_to_date(moved)] == [
        state.interest_to_date_minor,
        state.penalty_to_date_minor,
    ]
    assert int(moved.at[0]) == int(places(np.array([day_number(end)]), codes)[0])
