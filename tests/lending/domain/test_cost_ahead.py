from datetime import timedelta
from decimal import Decimal

import pytest

from lending.domain.contract.cost_ahead import interest_to_come_minor
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of

TERMS = terms_of(principal_minor=100_000, rate=Decimal("0.12"), periods=3, tolerance_minor=0)


def ahead(*events: LoanEvent, days: int) -> int:
    account = replay(TERMS, [disbursed(TERMS), *events]).account(OPENED + timedelta(days))
    assert account
    return interest_to_come_minor(account)


def test_at_the_disbursement_it_is_what_was_quoted() -> None:
    assert ahead(days=0) == sum(row.interest_minor for row in replay(TERMS, [disbursed(TERMS)]).schedule) == 1_968


def test_a_dearer_rate_costs_more_from_its_day_on() -> None:
    """Red if the rate were taken from the terms, or what is past counted: twice the rate, twice what is to come."""
    change = LoanEvent(id="r", on=OPENED + timedelta(29), type=EventType.RATE_CHANGE, rate=Decimal("0.24"))
    paid_as_due = paid("p", 29, 33_989)
    before, after = ahead(paid_as_due, days=29), ahead(paid_as_due, change, days=29)
    assert before == 1_968 - 953
    assert after == pytest.approx(2 * before, abs=1)


def test_a_pause_costs_the_interest_of_the_time_it_takes() -> None:
    pause = LoanEvent(id="x", on=OPENED, type=EventType.PAUSE, periods=1)
    shortest, longest = (100_000 * days * 12 // (365 * 100) for days in (29, 31))  # of the whole loan, a month
    assert shortest <= ahead(pause, days=0) - ahead(days=0) <= longest


def test_what_is_overdue_is_paid_at_once() -> None:
    """Red if overdue principal went on earning: it is asked what is to come if all is well from now on."""
    account = replay(TERMS, [disbursed(TERMS)]).account(OPENED + timedelta(45))
    assert account
    before = account.late, account.interest_to_date
    left = interest_to_come_minor(account)
    assert (account.late, account.interest_to_date) == before
    assert left < 1_968 - 953


def test_nothing_is_to_come_of_a_loan_that_is_repaid() -> None:
    assert ahead(paid("p", 0, 100_000), days=10) == 0
