"""Whether an event may be booked on a loan, and what it would do: as the operation does it, uncommitted."""

from dataclasses import dataclass, replace

from config.office.business_date import get_business_date
from lending.domain.books.booking import (
    Booking,
    BookingRefusal,
    event_of,
    is_implausible,
    judge_booking,
    judge_verb,
)
from lending.domain.books.plan import Plan, plan_event
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.models import Loan, LoanEvent
from lending.queries.closes import booked_of, latest_close
from lending.queries.loans import contract_of, next_event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a booking would do, or why it would not be booked: one of the two is None.

    is_implausible: its amount is so far above what the loan owes that whoever books it must confirm it.
    """

    refusal: BookingRefusal | LoanRefusal | None
    plan: Plan | None
    is_implausible: bool = False


def get_verb_refusal(loan: Loan, kind: EventType) -> BookingRefusal | LoanRefusal | None:
    """Decide from what is stored whether an event of a kind may be booked at all, whatever its date and amount."""
    return judge_verb(kind, today=get_business_date(), disbursed_on=loan.disbursed_on, credit_minor=loan.credit_minor)


def get_booking_refusal(loan: Loan, booking: Booking, *, external_ref: str) -> BookingRefusal | LoanRefusal | None:
    """Decide from what is stored whether an event may be booked. Raises LoanEvent.DoesNotExist for one to reverse."""
    used = LoanEvent.objects.filter(partner=loan.application.partner_id, external_ref=external_ref)
    return judge_booking(
        booking,
        today=get_business_date(),
        disbursed_on=loan.disbursed_on,
        position=booked_of(loan, latest_close())[0],
        reverses=None if booking.of is None else EventType(LoanEvent.objects.get(loan=loan, seq=booking.of).type),
        reference_used=bool(external_ref) and used.exists(),
        events=loan.events.count(),
    )


def preview_booking(loan: Loan, booking: Booking) -> Preview:
    """Plan an event without booking it, as if its amount were confirmed."""
    refusal = get_booking_refusal(loan, replace(booking, sure=True), external_ref="")
    if refusal is not None:
        return Preview(refusal=refusal, plan=None)
    try:
        event = event_of(booking, event_id=next_event_id(loan))
        booked, booked_to = booked_of(loan, latest_close())
        plan = plan_event(contract_of(loan), event, booked_to=booked_to)
    except LoanRefused as refused:
        return Preview(refusal=refused.reason, plan=None)
    return Preview(refusal=None, plan=plan, is_implausible=is_implausible(booking, booked))
