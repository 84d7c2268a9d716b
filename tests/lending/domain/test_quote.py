from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from config.kernel.daycount import DayCount
from lending.domain.contract.quote import quote
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Method, PeriodUnit, Terms, parse_terms
from tests.lending.cases import terms_of_loans
from tests.lending.domain.loans import OPENED, terms_of


@given(terms_of_loans(OPENED).map(parse_terms))
def test_a_quote_is_the_schedule_and_its_cost(terms: Terms) -> None:
    quoted = quote(terms, on=OPENED)
    assert quoted.schedule == draw_schedule(terms, on=OPENED)
    assert quoted.total_interest_minor == sum(row.interest_minor for row in quoted.schedule)
    assert quoted.total_cost_minor == sum(row.total_minor for row in quoted.schedule) - terms.principal_minor
    assert (Decimal(quoted.apr) > 0) == (quoted.total_cost_minor > 0) or abs(Decimal(quoted.apr)) < Decimal("0.01")


@pytest.mark.parametrize(
    ("method", "apr"), [(Method.EQUAL_INSTALMENTS, "11.49"), (Method.BULLET, "10.98"), (Method.INTEREST_ONLY, "11.55")]
)
def test_the_apr_compounds_what_is_paid_on_the_way(method: Method, apr: str) -> None:
    assert quote(terms_of(method=method), on=OPENED).apr == apr


def test_the_smallest_loan_has_its_rate_to_the_last_digit() -> None:
    """A cent that costs a cent overnight, a 366th of a year: doubled 366 times."""
    terms = terms_of(principal_minor=1, rate=Decimal(100), periods=1, unit=PeriodUnit.DAY, day_count=DayCount.E30_360)
    assert quote(terms, on=date(2024, 2, 29)).apr == f"{100 * (2**366 - 1)}.00"
