from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.daycount import DAILY, DayCount
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Method, PeriodUnit, Terms, parse_terms
from tests.lending.cases import terms_of_loans
from tests.lending.domain.loans import terms_of
from tests.year_fraction import year_fraction

OPENED = date(2024, 1, 31)
drawn_terms = terms_of_loans(OPENED).map(parse_terms)


def dues_of(terms: Terms, on: date = OPENED) -> list[str]:
    return [row.due.isoformat() for row in draw_schedule(terms, on=on)]


@given(drawn_terms)
def test_the_principal_is_spread_to_the_unit(terms: Terms) -> None:
    """Red if the last instalment takes A - S instead of what is left."""
    rows = draw_schedule(terms, on=OPENED)
    assert sum(row.principal_minor for row in rows) == terms.principal_minor
    assert min(row.principal_minor for row in rows) >= 0
    assert [row.no for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.total_minor == row.principal_minor + row.interest_minor for row in rows)


@given(drawn_terms)
def test_the_interest_adds_up_to_the_exact_sum_rounded_once(terms: Terms) -> None:
    """Red if each row's interest is rounded by itself."""
    balance, exact = terms.principal_minor, Fraction(0)
    rows = draw_schedule(terms, on=OPENED)
    for start, row in zip([OPENED, *(row.due for row in rows)], rows, strict=False):
        exact += balance * Fraction(terms.rate) * year_fraction(start, row.due, terms.day_count)
        balance -= row.principal_minor
    assert sum(row.interest_minor for row in rows) == round(exact)


@given(drawn_terms)
def test_level_instalments_are_level(terms: Terms) -> None:
    if terms.method is Method.EQUAL_INSTALMENTS and terms.rate:
        rows = draw_schedule(terms, on=OPENED)
        level = [row.total_minor for row in rows if row.principal_minor and row.no < len(rows)]
        assert level[:-1] == level[:1] * len(level[:-1])


def test_missing_days_of_a_month_become_its_last() -> None:
    """Red if the day is clamped from the row before: 29 March after 29 February."""
    assert dues_of(terms_of(periods=4)) == ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]
    assert dues_of(terms_of(periods=2, every=13)) == ["2025-02-28", "2026-03-31"]


def test_a_first_due_date_sets_the_day_of_the_others() -> None:
    late = terms_of(periods=3, first_due=date(2024, 3, 30))
    assert dues_of(late) == ["2024-03-30", "2024-04-30", "2024-05-30"]
    early = terms_of(periods=3, first_due=date(2024, 2, 1), unit=PeriodUnit.WEEK, every=2)
    assert dues_of(early) == ["2024-02-01", "2024-02-15", "2024-02-29"]


def test_a_bullet_has_one_row_on_the_last_due_date() -> None:
    [row] = draw_schedule(terms_of(method=Method.BULLET), on=OPENED)
    assert (row.no, row.due, row.principal_minor) == (1, date(2025, 1, 31), 1_200_000)
    assert row.interest_minor == round(Fraction("0.1095") * 1_200_000 * 366 / 365)


def test_without_interest_the_parts_are_equal_and_the_first_take_the_odd_units() -> None:
    """Red if the instalment of the equation, here 2.5, is rounded and the last row takes the rest."""
    rows = draw_schedule(terms_of(principal_minor=10, rate=Decimal(0), periods=4), on=OPENED)
    assert [row.principal_minor for row in rows] == [3, 3, 2, 2]


def test_interest_above_the_instalment_leaves_no_negative_principal() -> None:
    """A first period of a year at 3,650 %: the instalment that solves the equation does not cover it."""
    terms = terms_of(
        rate=Decimal("36.5"), periods=3, first_due=date(2025, 1, 31), unit=PeriodUnit.DAY, principal_minor=1_000
    )
    rows = draw_schedule(terms, on=OPENED)
    assert [row.principal_minor for row in rows] == [0, 1_000, 0]
    assert rows[0].interest_minor == 36_600


@pytest.mark.parametrize("first_due", [OPENED, date(2024, 1, 30)])
def test_a_first_due_date_that_is_not_after_the_disbursement_is_refused(first_due: date) -> None:
    with pytest.raises(LoanRefused, match="first_due") as refused:
        draw_schedule(terms_of(first_due=first_due), on=OPENED)
    assert refused.value.reason is LoanRefusal.BAD_TERMS


@pytest.mark.parametrize("unit", PeriodUnit)
def test_due_dates_beyond_the_calendar_are_refused(unit: PeriodUnit) -> None:
    with pytest.raises(LoanRefused, match="9999") as refused:
        draw_schedule(terms_of(unit=unit, every=3_660, periods=3_660), on=date(9990, 1, 1))
    assert refused.value.reason is LoanRefusal.BAD_TERMS


@pytest.mark.parametrize("day_count", DAILY)
def test_the_longest_schedule_is_drawn(day_count: DayCount) -> None:
    terms = terms_of(
        principal_minor=10**15,
        periods=3_660,
        unit=PeriodUnit.DAY,
        rate=Decimal("0.123456789012"),
        day_count=day_count,
    )
    rows = draw_schedule(terms, on=OPENED)
    assert sum(row.principal_minor for row in rows) == 10**15
    assert all(left.due < right.due for left, right in pairwise(rows))


@given(st.dates(date(1, 1, 1), date(9998, 1, 1)), st.sampled_from(DAILY))
def test_any_date_will_do(on: date, day_count: DayCount) -> None:
    assert len(draw_schedule(terms_of(periods=2, day_count=day_count), on=on)) == 2
