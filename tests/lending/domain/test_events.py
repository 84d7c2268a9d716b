from datetime import date
from decimal import Decimal

import pytest

from lending.domain.contract.events import EventType, LoanEvent, parse_event
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import Prepayment

REPAYMENT = {"id": "e2", "on": "2024-02-29", "type": "repayment", "amount_minor": 100}
CHANGE = {"id": "e3", "on": "2024-03-01", "type": "rate_change", "rate": "0.2"}
REVERSAL = {"id": "e4", "on": "2024-03-02", "type": "reversal", "of": "e2"}
CHARGE = {"id": "e5", "on": "2024-03-02", "type": "charge", "amount_minor": 100}
BROKEN: list[object] = [
    {**CHARGE, "due": "2024-03-02"},
    {**CHARGE, "due": "2024-03-01"},
    {**CHARGE, "due": None},
    {**CHARGE, "prepayment": "LAST"},
    {**REPAYMENT, "due": "2024-03-03"},
    {**REPAYMENT, "prepayment": "FIRST"},
    {**REPAYMENT, "prepayment": None},
    None,
    "repayment",
    [],
    {},
    {**REPAYMENT, "id": ""},
    {**REPAYMENT, "id": 2},
    {**REPAYMENT, "on": "2023-02-29"},
    {**REPAYMENT, "on": "20240229"},
    {**REPAYMENT, "on": None},
    {**REPAYMENT, "type": "REPAYMENT"},
    {**REPAYMENT, "type": "waiver"},
    {**REPAYMENT, "amount_minor": 10.5},
    {**REPAYMENT, "amount_minor": 10.0},
    {**REPAYMENT, "amount_minor": "100"},
    {**REPAYMENT, "amount_minor": True},
    {**REPAYMENT, "amount_minor": None},
    {**REPAYMENT, "amount_minor": 10**15 + 1},
    {**REPAYMENT, "rate": "0.2"},
    {**REPAYMENT, "of": "e1"},
    {**REPAYMENT, "note": "thanks"},
    {name: value for name, value in REPAYMENT.items() if name != "amount_minor"},
    {**CHANGE, "rate": "-0.01"},
    {**CHANGE, "rate": 0.2},
    {**CHANGE, "rate": "NaN"},
    {**CHANGE, "rate": "1000"},
    {**CHANGE, "amount_minor": 5},
    {**REVERSAL, "of": ""},
    {**REVERSAL, "of": None},
    {**REVERSAL, "of": ["e2"]},
]


def test_events_are_read() -> None:
    assert parse_event(REPAYMENT) == LoanEvent(
        id="e2", on=date(2024, 2, 29), type=EventType.REPAYMENT, amount_minor=100
    )
    assert parse_event(CHANGE).rate == Decimal("0.2")
    assert parse_event(REVERSAL).of == "e2"
    assert parse_event({**CHARGE, "due": "2024-03-03"}).due == date(2024, 3, 3)
    assert parse_event({**REPAYMENT, "prepayment": "LAST"}).prepayment is Prepayment.LAST


@pytest.mark.parametrize("raw", BROKEN, ids=repr)
def test_a_malformed_event_is_refused(raw: object) -> None:
    with pytest.raises(LoanRefused) as refused:
        parse_event(raw)
    assert refused.value.reason is LoanRefusal.BAD_EVENT


def test_an_event_made_in_python_is_judged_as_well() -> None:
    with pytest.raises(LoanRefused, match="carries rate, and no other figure"):
        LoanEvent(id="e", on=date(2024, 1, 1), type=EventType.RATE_CHANGE, amount_minor=1)
