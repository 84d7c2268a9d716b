from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lending.domain.contract.delinquency import NOT_DELINQUENT, DelinquencyRule, Standstill, classed, parse_rule
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.files import replay_case
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import DEFAULT_WATERFALL, Step
from tests.lending.domain.loans import OPENED, disbursed, paid, terms_of

BUCKETS = [{"name": "1-30", "from_days": 1}, {"name": "31+", "from_days": 31}]
RULE = parse_rule({"buckets": BUCKETS})
TERMS = terms_of(principal_minor=9_000, rate=Decimal(0), periods=3, tolerance_minor=0)
FIRST_DUE = date(2024, 2, 29)


def standing(*spans: tuple[int, int]) -> DelinquencyRule:
    stills = tuple(Standstill(start=FIRST_DUE + timedelta(a), end=FIRST_DUE + timedelta(b)) for a, b in spans)
    return DelinquencyRule(buckets=RULE.buckets, standstills=stills)


@given(st.lists(st.integers(-40, 120), min_size=4, max_size=4, unique=True), st.integers(0, 120))
def test_days_of_a_standstill_do_not_count(edges: list[int], late: int) -> None:
    """Red if a start counted or not, against a count of one day after another."""
    a, b, c, d = sorted(edges)
    found = standing((a, b), (c, d)).counted_days(FIRST_DUE, FIRST_DUE + timedelta(late))
    assert found == sum(not (a < day <= b or c < day <= d) for day in range(1, late + 1))


def test_a_grace_puts_the_class_off_and_not_the_days_past_due() -> None:
    rule = DelinquencyRule(buckets=RULE.buckets, grace_days=10)
    loan = replay(TERMS, [disbursed(TERMS)])
    within, after = FIRST_DUE + timedelta(10), FIRST_DUE + timedelta(11)
    assert classed(loan.account(within), rule).bucket is None
    assert classed(loan.account(within), rule).overdue_minor == 3_000
    assert (classed(loan.account(after), rule).bucket, loan.state(after).dpd) == ("1-30", 11)


def test_a_payment_of_what_is_past_due_cures() -> None:
    """Red if what falls due on the day itself counts as overdue."""
    loan = replay(TERMS, [disbursed(TERMS), paid("p", 60, 3_000)])  # on the second due date
    assert classed(loan.account(OPENED + timedelta(60)), RULE) == NOT_DELINQUENT


def test_nothing_is_classed_before_the_disbursement() -> None:
    assert classed(replay(TERMS, []).account(OPENED), RULE) == NOT_DELINQUENT


def test_a_claim_stays_in_the_bucket_of_its_oldest_due_date() -> None:
    """Red if a written-off loan showed days and no amount."""
    lost = LoanEvent(id="w", on=FIRST_DUE + timedelta(40), type=EventType.WRITE_OFF)
    found = classed(replay(TERMS, [disbursed(TERMS), lost]).account(FIRST_DUE + timedelta(50)), RULE)
    assert (found.days, found.overdue_minor, found.by_bucket) == (50, 9_000, (("31+", 9_000),))


def test_a_refund_owed_back_is_overdue_from_the_day_after_it() -> None:
    """Red if it was as late as the oldest instalment, or late on its own day."""
    refund = LoanEvent(id="r", on=OPENED + timedelta(50), type=EventType.REFUND_CREDIT, amount_minor=1_000)
    bounced = LoanEvent(id="b", on=OPENED + timedelta(50), type=EventType.BOUNCE, of="p")
    loan = replay(TERMS, [disbursed(TERMS), paid("p", 5, 10_000), refund, bounced])
    found = {days: classed(loan.account(OPENED + timedelta(days)), RULE) for days in (50, 51, 62)}
    assert {days: (one.overdue_minor, one.by_bucket) for days, one in found.items()} == {
        50: (3_000, (("1-30", 3_000),)),
        51: (4_000, (("1-30", 4_000),)),
        62: (7_000, (("1-30", 4_000), ("31+", 3_000))),
    }


def test_an_old_fee_that_was_not_paid_first_stays_overdue() -> None:
    """Red if fees were taken to be paid oldest first, whatever the waterfall says."""
    order = sorted(DEFAULT_WATERFALL, key=lambda step: step is not Step.DUE_FEE)
    terms = terms_of(principal_minor=9_000, rate=Decimal(0), periods=3, tolerance_minor=0, waterfall=tuple(order))
    old = LoanEvent(id="a", on=OPENED + timedelta(5), type=EventType.CHARGE, amount_minor=700)
    new = LoanEvent(id="b", on=OPENED + timedelta(39), type=EventType.CHARGE, amount_minor=900)
    loan = replay(terms, [disbursed(terms), old, new, paid("p", 39, 900)])
    for days in (39, 40):
        state = loan.state(OPENED + timedelta(days))
        found = classed(loan.account(OPENED + timedelta(days)), RULE)
        assert (state.fees_unpaid_minor, found.overdue_minor) == (700, 3_700)
        assert found.by_bucket == (("1-30", 3_700),)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"buckets": []}, "buckets: 1 to 24"),
        ({"buckets": [{"name": "0+", "from_days": 0}]}, "the first from 1"),
        ({"buckets": [*BUCKETS, {"name": "30+", "from_days": 31}]}, "each from more days"),
        ({"buckets": [*BUCKETS, {"name": "1-30", "from_days": 61}]}, "a name of its own"),
        ({"buckets": [*BUCKETS, {"name": "", "from_days": 61}]}, "a name of its own"),
        ({"buckets": BUCKETS, "grace_days": -1}, "grace_days"),
        ({"buckets": BUCKETS, "grace": 3}, "unknown field"),
        ({"buckets": BUCKETS, "standstills": [{"start": "2024-03-02", "end": "2024-03-01"}]}, "standstills"),
        ({"buckets": BUCKETS, "standstills": [{"start": "2024-03-02"}]}, "end is missing"),
        ([], "not an object"),
    ],
)
def test_a_rule_that_is_none_refuses_its_case(rule: Any, words: str) -> None:  # noqa: ANN401 - JSON scalars
    with pytest.raises(LoanRefused, match=words) as refused:
        parse_rule(rule)
    assert refused.value.reason is LoanRefusal.BAD_TERMS


def test_a_file_says_how_a_loan_is_classed() -> None:
    terms = {
        "principal_minor": 9_000,
        "currency": "CNY",
        "rate": "0",
        "day_count": "ACT/365F",
        "periods": 3,
        "every": 1,
    }
    terms |= {"method": "EQUAL_INSTALMENTS", "unit": "MONTH", "first_due": None, "grace_days": 0, "tolerance_minor": 0}
    terms |= {"penalty_multiple_extra": "0", "prepayment": "NEXT"}
    paid_out = {"id": "1", "on": "2024-01-31", "type": "disbursement", "amount_minor": 9_000}
    case = {"id": "a", "terms": terms, "events": [paid_out], "as_of": ["2024-02-29", "2024-04-05"]}
    found = replay_case({**case, "delinquency": {"buckets": BUCKETS}})["states"]
    names = ("delinquent_since", "delinquent_days", "bucket", "overdue_minor", "overdue_by_bucket_minor")
    assert [tuple(state[name] for name in names) for state in found] == [  # type: ignore[attr-defined]
        (None, 0, None, 0, {}),
        ("2024-02-29", 36, "31+", 6_000, {"1-30": 3_000, "31+": 3_000}),
    ]
    assert replay_case({**case, "delinquency": {}})["refused"] == "BAD_TERMS"
    assert "bucket" not in replay_case(case)["states"][0]  # type: ignore[index]
