from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from config.kernel.daycount import DayCount
from lending.domain.contract.apr import AprRule, UnitPeriod
from lending.domain.contract.files import BadFile, quote_case
from lending.domain.contract.quote import quote, unit_period_of
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import AccrualRule, Method, PeriodUnit, Terms, parse_terms, write_terms
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


@pytest.mark.parametrize(
    ("changed", "rate"),
    [
        ({"principal_minor": 500_000, "periods": 24, "rate": Decimal("0.0969")}, "9.69"),
        ({"rate": Decimal("0.12")}, "12.00"),
        ({"rate": Decimal("0.12"), "periods": 1}, "12.00"),
        ({"rate": Decimal("0.12"), "down_payment": Decimal("0.25")}, "12.00"),
        ({"rate": Decimal("0.12"), "method": Method.BULLET, "periods": 6}, "12.00"),
        ({"rate": Decimal("0.12"), "every": 3, "periods": 4}, "12.00"),
    ],
)
def test_the_us_rate_of_regular_months_is_the_rate_of_the_terms(changed: dict[str, Any], rate: str) -> None:
    regular = {"day_count": DayCount.MONTHS_12, "accrual": AccrualRule.PER_PERIOD, "periods": 12, **changed}
    assert quote(terms_of(**regular), on=OPENED, rule=AprRule.US).apr == rate


@pytest.mark.parametrize(("unit", "every", "days"), [("WEEK", 2, 14), ("DAY", 10, 10), ("DAY", 400, 365)])
def test_the_unit_period_of_days_is_the_loans_period(unit: str, every: int, days: int) -> None:
    assert unit_period_of(terms_of(unit=PeriodUnit(unit), every=every)) == UnitPeriod(days=days)


@pytest.mark.parametrize(("rule", "found"), [(None, "EU"), ("EU", "EU"), ("US", "US")])
def test_the_file_names_the_rule(rule: str | None, found: str) -> None:
    terms = terms_of(rate=Decimal("0.12"))
    case = {"terms": write_terms(terms), "on": "2024-01-31"} | ({"apr_rule": rule} if rule else {})
    assert quote_case(case)["apr"] == quote(terms, on=OPENED, rule=AprRule(found)).apr


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(BadFile, match="apr_rule"):
        quote_case({"terms": write_terms(terms_of()), "on": "2024-01-31", "apr_rule": "UK"})
