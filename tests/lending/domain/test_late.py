"""Stories of a loan that is late: 10,000.00 at 0.1 % a day, so that a day's interest is 1,000."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lending.domain.contract.allocation import Allocation
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.terms import DEFAULT_WATERFALL, Method, Step
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of

DUE = date(2024, 2, 29)  # 29 days, 29,000 of interest
PRINCIPAL_FIRST = (
    Step.PAST_DUE_PRINCIPAL,
    *(step for step in DEFAULT_WATERFALL if step is not Step.PAST_DUE_PRINCIPAL),
)


def loan(*events: LoanEvent, **changed: Any) -> Replayed:  # noqa: ANN401
    usual = {"principal_minor": 1_000_000, "rate": Decimal("0.365"), "periods": 1, "tolerance_minor": 0}
    terms = terms_of(**{**usual, "method": Method.EQUAL_PRINCIPAL, "grace_days": 30, **changed})
    return replay(terms, [disbursed(terms), *events])


def parts(allocation: Allocation) -> tuple[int, ...]:
    """Penalty, fee, interest, principal, credit."""
    return allocation[1:6]


def test_after_the_last_due_date_interest_falls_due_every_day() -> None:
    """Red if what is past due is interest to the last event, or to the last due date.

    Five days on, 4,000 of interest is past due and comes before principal; the 1,000 of the day comes after it.
    """
    on_time = paid("p1", 29, 29_000)
    assert parts(loan(on_time, paid("p2", 34, 3_000)).allocations[-1]) == (0, 0, 3_000, 0, 0)
    assert parts(loan(on_time, paid("p2", 34, 10_000)).allocations[-1]) == (0, 0, 4_000, 6_000, 0)
    assert parts(loan(on_time, paid("p2", 34, 1_004_500)).allocations[-1]) == (0, 0, 4_500, 1_000_000, 0)
    assert loan(on_time).state(DUE + timedelta(5)).due_minor == 1_005_000


def test_several_payments_of_a_day_after_the_last_due_date_see_the_same_yesterday() -> None:
    events = [paid("p1", 29, 29_000), paid("p2", 34, 1_500), paid("p3", 34, 1_500), paid("p4", 34, 1_500)]
    assert [parts(each)[2:4] for each in loan(*events).allocations[1:]] == [(1_500, 0), (1_500, 0), (1_000, 500)]


def test_interest_alone_is_past_due_from_the_first_day_that_is_unpaid() -> None:
    """Principal is repaid five days late, the interest of those days is not: each was a due date.

    Red if what is unpaid counts from the last due date, or from the payment.
    """
    found = loan(paid("p1", 29, 29_000), paid("p2", 34, 1_000_000), waterfall=PRINCIPAL_FIRST)
    assert [found.state(DUE + timedelta(day)).dpd for day in range(5)] == [0, 1, 2, 3, 4]
    assert [found.state(DUE + timedelta(day)).dpd for day in (5, 6, 34)] == [4, 5, 33]
    partly = loan(paid("p1", 29, 29_000), paid("p2", 34, 1_002_500), waterfall=PRINCIPAL_FIRST)
    assert [partly.state(DUE + timedelta(day)).dpd for day in (5, 6, 34)] == [2, 3, 31]


@pytest.mark.parametrize(("tolerance", "dpd"), [(4_999, 9), (5_000, 0)])
def test_the_tolerance_covers_principal_and_interest_together(tolerance: int, dpd: int) -> None:
    """Red if the amount must be below the tolerance, or one of the two is left out; the amount stays due."""
    events = [paid("p1", 29, 29_000), paid("p2", 34, 1_000_000)]
    state = loan(*events, waterfall=PRINCIPAL_FIRST, tolerance_minor=tolerance).state(DUE + timedelta(10))
    assert (state.dpd, state.due_minor, state.closed) == (dpd, 5_000, False)


def test_a_quoted_instalment_paid_early_leaves_cents_that_make_nobody_late() -> None:
    """The day that was left earns interest on what the payment did not take: 33 cents, within the 100."""
    terms = terms_of(principal_minor=120_000)
    first = replay(terms, [disbursed(terms)]).schedule[0].total_minor
    early = replay(terms, [disbursed(terms), paid("p", 28, first)]).state(DUE + timedelta(5))
    assert (early.dpd, early.due_minor) == (0, 33)


def test_what_falls_due_on_the_day_makes_nobody_late() -> None:
    """Red if the tolerance is compared with all that is due: what was due before the day is within it."""
    terms = terms_of(principal_minor=120_000)
    loan_of_cents = replay(terms, [disbursed(terms), paid("p", 28, 10_602)])
    on = loan_of_cents.schedule[1].due
    assert loan_of_cents.state(on).due_minor > 10_000
    assert [loan_of_cents.state(on + timedelta(day)).dpd for day in (-1, 0, 1)] == [0, 0, 32]


def test_penalty_runs_from_the_end_of_grace_on_what_is_still_unpaid() -> None:
    """Red if it runs from the due date, or on the day of a payment for what that payment took.

    3 days of grace: from 3 March, 500 a day on all; from 5 March, 250 on the half that is left.
    """
    half = paid("p", 34, 534_000 + 1_000)
    found = loan(half, grace_days=3)
    days = [found.state(DUE + timedelta(day)).penalty_to_date_minor for day in (3, 4, 5, 6)]
    assert days == [0, 500, 1_000, 1_250]
    assert parts(found.allocations[0]) == (1_000, 0, 33_000, 501_000, 0)


def test_penalty_without_grace_spares_what_is_paid_on_the_due_date() -> None:
    found = loan(paid("p", 29, 29_000 + 400_000), grace_days=0)
    assert [found.state(DUE + timedelta(day)).penalty_to_date_minor for day in (0, 1)] == [0, 300]


def test_a_fee_is_past_due_the_day_after() -> None:
    """Due at once, before interest of the same rank; it makes nobody late."""
    charge = LoanEvent(id="c", on=OPENED + timedelta(10), type=EventType.CHARGE, amount_minor=700)
    assert loan(charge).state(OPENED + timedelta(20)).dpd == 0
    dues_first = (*(step for step in DEFAULT_WATERFALL if step is not Step.PAST_DUE_FEE), Step.PAST_DUE_FEE)
    same_day = loan(charge, paid("p", 10, 500), waterfall=dues_first)
    assert parts(same_day.allocations[0]) == (0, 500, 0, 0, 0)
    next_day = loan(charge, paid("p", 11, 12_000), waterfall=dues_first)
    assert parts(next_day.allocations[0]) == (0, 0, 11_000, 1_000, 0)


def test_credit_pays_only_when_it_is_applied() -> None:
    over = paid("p", 29, 1_029_000 + 5_000)
    charge = LoanEvent(id="c", on=DUE + timedelta(1), type=EventType.CHARGE, amount_minor=3_000)
    apply = LoanEvent(id="a", on=DUE + timedelta(2), type=EventType.APPLY_CREDIT, amount_minor=4_000)
    waits = loan(over, charge).state(DUE + timedelta(2))
    assert (waits.credit_minor, waits.fees_unpaid_minor, waits.payoff_minor) == (5_000, 3_000, 3_000)
    applied = loan(over, charge, apply)
    assert parts(applied.allocations[1]) == (0, 3_000, 0, 0, 1_000)
    assert (applied.state(apply.on).credit_minor, applied.state(apply.on).closed) == (2_000, True)
