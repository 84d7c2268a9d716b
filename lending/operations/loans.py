"""Book what happens to a loan: payments, fees, rates, credit, and their reversal."""

from datetime import date, datetime

from config.db.transactions import operation, require_transaction
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from lending.domain.books.booking import Booking, BookingRefusal, event_of, judge_plan
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.models import Loan
from lending.models import LoanEvent as EventRow
from lending.operations.bookings import NewEvent, book_event, money_of
from lending.operations.transfers import lock_loan
from lending.queries.bookings import get_booking_refusal, needs_second_person
from lending.queries.loans import next_event_id
from merchants.domain.idempotency import RequestKey
from merchants.operations.idempotency import hold_reference, keep_request, take_request


class EventNotBooked(Refused[BookingRefusal | LoanRefusal]):
    """Nothing was booked: a rule of the office refuses, or the contract does."""


def book_repayment(
    *,
    loan_id: int,
    amount_minor: int,
    on: date,
    external_ref: str,
    actor: Actor,
    now: datetime,
    key: RequestKey | None = None,
) -> EventRow:
    """Book money that a partner reports, allocated by the loan's waterfall; any excess becomes credit.

    `external_ref` is the partner's own reference of the payment.
    Raises EventNotBooked, RequestNotTaken, Contended, Loan.DoesNotExist.
    """
    booking = Booking(type=EventType.REPAYMENT, on=on, amount_minor=amount_minor, by_hand=False, reason="")
    return _book(loan_id=loan_id, booking=booking, external_ref=external_ref, actor=actor, now=now, key=key)


def book_bounce(
    *, loan_id: int, seq: int, on: date, actor: Actor, now: datetime, key: RequestKey | None = None
) -> EventRow:
    """Book that the bank took back a repayment which the partner had reported, by its place among the events.

    Raises EventNotBooked, RequestNotTaken, Contended; LoanEvent.DoesNotExist, also for what the partner never reported.
    """
    EventRow.objects.exclude(external_ref="").get(loan=loan_id, seq=seq)
    booking = Booking(type=EventType.BOUNCE, on=on, of=seq, by_hand=False, reason="")
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now, key=key)


def book_by_hand(
    *, loan_id: int, booking: Booking, actor: Actor, now: datetime, approval: Approval | None = None
) -> EventRow:
    """Book what a member of staff enters: a repayment, fee, rate or use of credit, or the reversal of an event.

    Raises EventNotBooked, NotApproved, Contended, Loan.DoesNotExist, LoanEvent.DoesNotExist.
    """
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now, approval=approval)


def booking_act(loan: Loan, booking: Booking) -> Act | None:
    """Return what a second person has to approve of a booking by hand; None if one person may make it alone."""
    return _act_of(loan, booking) if needs_second_person(loan, booking) else None


def _act_of(loan: Loan, booking: Booking) -> Act:
    arguments = {
        "type": booking.type.value,
        "on": booking.on,
        "amount_minor": booking.amount_minor,
        "rate": booking.rate,
        "of": booking.of,
        "periods": booking.periods,
        "reason": booking.reason,
    }
    return Act(operation="lending.book_by_hand", subject=loan, arguments=arguments)


def _book(
    *,
    loan_id: int,
    booking: Booking,
    actor: Actor,
    now: datetime,
    external_ref: str = "",
    key: RequestKey | None = None,
    approval: Approval | None = None,
) -> EventRow:
    with operation():
        done = None if key is None else take_request(key)
        if done is not None:
            return EventRow.objects.select_related("loan").get(pk=done)
        loan = lock_loan(loan_id)
        hold_reference(partner_id=loan.merchant.partner_id, reference=external_ref)
        refusal = get_booking_refusal(loan, booking, external_ref=external_ref)
        if refusal is not None:
            raise EventNotBooked(refusal)
        # What was asked for is used up even where one person could do it alone by now.
        if approval is not None or needs_second_person(loan, booking):
            require_approval(_act_of(loan, booking), approval, actor=actor, now=now)
        row = book_on(loan, booking, external_ref=external_ref, actor=actor, now=now)
        if key is not None:
            keep_request(key, result=row.pk, now=now)
        return row


def book_on(loan: Loan, booking: Booking, *, external_ref: str = "", actor: Actor, now: datetime) -> EventRow:
    """Book on a locked loan what the rules of the office allow. Raises NoTransaction, EventNotBooked."""
    require_transaction()
    try:
        new = NewEvent(
            loan=loan,
            event=event_of(booking, event_id=next_event_id(loan)),
            of=None if booking.of is None else EventRow.objects.get(loan=loan, seq=booking.of),
            external_ref=external_ref,
            reason=booking.reason,
        )
        row, plan = book_event(new, actor=actor, now=now)
    except LoanRefused as refused:
        raise EventNotBooked(refused.reason) from refused
    refusal = judge_plan(booking, plan)
    if refusal is not None:
        raise EventNotBooked(refusal)
    record_event(
        name=f"lending.book_{booking.type}",
        subject=loan,
        actor=actor,
        before={"status": loan.status, "payoff_minor": plan.before.payoff_minor},
        after={"event": row.pk, "status": plan.after.status, "payoff_minor": plan.after.payoff_minor},
        now=now,
        amount=money_of(new.event, plan, currency=loan.currency),
    )
    return row
