"""Book by hand, as a member of staff does in the office: one short call for each kind of event."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from config.office.actors import Actor
from lending.domain.books.booking import Booking
from lending.domain.contract.events import EventType
from lending.models import Loan, LoanEvent
from lending.operations.loans import book_by_hand, booking_act
from tests.approvals import approved
from tests.conftest import CLERK, NOW
from tests.lending.loans import OPENED


def _by_hand(  # noqa: PLR0917
    kind: EventType, loan_id: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None,
    amount_minor: int | None = None, rate: Decimal | None = None, of: int | None = None, *, sure: bool = False,
) -> LoanEvent:  # fmt: skip
    booking = Booking(
        type=kind, on=on, amount_minor=amount_minor, rate=rate, of=of, by_hand=True, reason=reason, seen=seen, sure=sure
    )
    return _booked(loan_id, booking, actor=actor, now=now)


def _booked(loan_id: int, booking: Booking, *, actor: Actor, now: datetime) -> LoanEvent:
    act = booking_act(Loan.objects.get(pk=loan_id), booking)
    return book_by_hand(
        loan_id=loan_id, booking=booking, actor=actor, now=now, approval=approved(act, actor=actor, now=now)
    )


def book(kind: EventType, *, loan_id: int, on: date = OPENED, of: int | None = None, **figure: Any) -> LoanEvent:  # noqa: ANN401
    """Book an event of any type, for a reason."""
    booking = Booking(type=kind, on=on, of=of, by_hand=True, reason="agreed", **figure)
    return _booked(loan_id, booking, actor=CLERK, now=NOW)


def take_repayment(*, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime) -> LoanEvent:
    """Book a repayment of any amount: whoever enters it was asked, and is sure."""
    return _by_hand(EventType.REPAYMENT, loan_id, on, reason, actor, now, None, amount_minor, sure=True)


def charge_fee(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> LoanEvent:
    return _by_hand(EventType.CHARGE, loan_id, on, reason, actor, now, seen, amount_minor)


def change_rate(
    *, loan_id: int, rate: Decimal, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> LoanEvent:
    return _by_hand(EventType.RATE_CHANGE, loan_id, on, reason, actor, now, seen, None, rate)


def apply_credit(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> LoanEvent:
    return _by_hand(EventType.APPLY_CREDIT, loan_id, on, reason, actor, now, seen, amount_minor)


def refund_credit(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> LoanEvent:
    return _by_hand(EventType.REFUND_CREDIT, loan_id, on, reason, actor, now, seen, amount_minor)


def reverse_event(
    *, loan_id: int, seq: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> LoanEvent:
    return _by_hand(EventType.REVERSAL, loan_id, on, reason, actor, now, seen, None, None, seq)
