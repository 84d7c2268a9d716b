"""Book what happens to a loan: payments, fees, rates, credit, and what takes them back.

`seen` is how many events the loan had when the effects were shown to whoever confirms them: so a form that is sent
twice is booked once, and nobody confirms what they were not shown.
"""

from datetime import date, datetime
from decimal import Decimal

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor, ActorKind
from config.office.events import record_event
from lending.domain.books.booking import Booking, BookingRefusal, event_of
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.models import Loan
from lending.models import LoanEvent as EventRow
from lending.operations.bookings import book_event
from lending.queries.bookings import get_booking_refusal
from lending.queries.loans import next_event_id
from merchants.domain.idempotency import RequestKey
from merchants.operations.idempotency import hold_reference, keep_request, take_request


class EventNotBooked(Refused[BookingRefusal | LoanRefusal]):
    """Nothing was booked: the office says no, or the contract does."""


def book_repayment(
    *,
    loan_id: int,
    amount_minor: int,
    on: date,
    external_ref: str,
    reason: str,
    actor: Actor,
    now: datetime,
    key: RequestKey | None = None,
    seen: int | None = None,
    sure: bool = False,
) -> EventRow:
    """Book money that came in on a date, allocated by the loan's waterfall; what is too much becomes credit.

    `external_ref` is the partner's own name of the payment, "" for one that staff books, who give a reason. `sure`:
    they say that an amount far above what the loan owes is right.
    Raises EventNotBooked, RequestNotTaken, Contended, Loan.DoesNotExist.
    """
    return _book(
        loan_id=loan_id,
        booking=Booking(
            type=EventType.REPAYMENT,
            on=on,
            amount_minor=amount_minor,
            by_hand=actor.kind is ActorKind.STAFF,
            reason=reason,
            seen=seen,
            sure=sure,
        ),
        external_ref=external_ref,
        actor=actor,
        now=now,
        key=key,
    )


def charge_fee(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> EventRow:
    """Charge a fee, due at once. Raises EventNotBooked, Contended, Loan.DoesNotExist."""
    booking = Booking(type=EventType.CHARGE, on=on, amount_minor=amount_minor, by_hand=True, reason=reason, seen=seen)
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now)


def change_rate(
    *, loan_id: int, rate: Decimal, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> EventRow:
    """Let another yearly rate hold from a date on. Raises EventNotBooked, Contended, Loan.DoesNotExist."""
    booking = Booking(type=EventType.RATE_CHANGE, on=on, rate=rate, by_hand=True, reason=reason, seen=seen)
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now)


def apply_credit(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> EventRow:
    """Pay with the merchant's credit. Raises EventNotBooked, Contended, Loan.DoesNotExist."""
    booking = Booking(
        type=EventType.APPLY_CREDIT, on=on, amount_minor=amount_minor, by_hand=True, reason=reason, seen=seen
    )
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now)


def refund_credit(
    *, loan_id: int, amount_minor: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> EventRow:
    """Book credit that was paid back to the merchant. Raises EventNotBooked, Contended, Loan.DoesNotExist."""
    booking = Booking(
        type=EventType.REFUND_CREDIT, on=on, amount_minor=amount_minor, by_hand=True, reason=reason, seen=seen
    )
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now)


def reverse_event(
    *, loan_id: int, seq: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> EventRow:
    """Remove an event as if it had never been; later payments are allocated anew.

    Raises EventNotBooked, Contended, Loan.DoesNotExist, LoanEvent.DoesNotExist.
    """
    booking = Booking(type=EventType.REVERSAL, on=on, of=seq, by_hand=True, reason=reason, seen=seen)
    return _book(loan_id=loan_id, booking=booking, actor=actor, now=now)


def _book(
    *,
    loan_id: int,
    booking: Booking,
    actor: Actor,
    now: datetime,
    external_ref: str = "",
    key: RequestKey | None = None,
) -> EventRow:
    with operation():
        done = None if key is None else take_request(key)
        if done is not None:
            return EventRow.objects.select_related("loan").get(pk=done)
        Loan.objects.filter(pk=loan_id).lock().get()
        loan = Loan.objects.select_related("application").get(pk=loan_id)
        hold_reference(partner_id=loan.application.partner_id, reference=external_ref)
        refusal = get_booking_refusal(loan, booking, external_ref=external_ref)
        if refusal is not None:
            raise EventNotBooked(refusal)
        try:
            row = book_event(
                loan,
                event_of(booking, event_id=next_event_id(loan)),
                of=None if booking.of is None else EventRow.objects.get(loan=loan, seq=booking.of),
                external_ref=external_ref,
                reason=booking.reason,
                actor=actor,
                now=now,
            )
        except LoanRefused as refused:
            raise EventNotBooked(refused.reason) from refused
        record_event(
            name=f"lending.book_{booking.type}",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"event": row.pk, "status": Loan.objects.get(pk=loan.pk).status},
            now=now,
        )
        if key is not None:
            keep_request(key, result=row.pk, now=now)
        return row
