"""Whether an event may be booked on a loan, and what it would do: as the operation does it, uncommitted."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import Coalesce

from config.office.actors import ActorKind
from config.office.business_date import get_business_date
from lending.domain.books.booking import (
    Booking,
    BookingRefusal,
    event_of,
    is_implausible,
    is_premature,
    judge_booking,
    judge_plan,
    judge_verb,
)
from lending.domain.books.ledger import Position
from lending.domain.books.loan import LoanStatus
from lending.domain.books.plan import Plan, plan_event
from lending.domain.books.second_person import counted_with, needs_second
from lending.domain.books.transfer import ReturnRefusal
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.models import Loan, LoanEvent
from lending.queries.closes import booked_to, latest_close
from lending.queries.loans import contract_of, next_event_id, return_event, standing_of
from lending.queries.products import servicing_of
from lending.queries.transfers import get_return_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a booking would do, or why it would not be booked: one of the two is None.

    is_implausible: its amount is so far above what the loan owes that whoever books it must confirm it. is_premature:
    it gives up a loan that is not past due, which is to be confirmed as well.
    """

    refusal: BookingRefusal | LoanRefusal | None
    plan: Plan | None
    is_implausible: bool = False
    is_premature: bool = False


def get_verb_refusal(loan: Loan, kind: EventType) -> BookingRefusal | LoanRefusal | None:
    """Decide from what is stored whether an event of a kind may be booked at all, whatever its date and amount."""
    return judge_verb(
        kind,
        disbursed_on=loan.disbursed_on,
        status=LoanStatus(loan.status),
        credit_minor=loan.credit_minor,
    )


def get_booking_refusal(loan: Loan, booking: Booking, *, external_ref: str) -> BookingRefusal | LoanRefusal | None:
    """Decide from what is stored whether an event may be booked. Raises LoanEvent.DoesNotExist for one to reverse."""
    used = LoanEvent.objects.filter(partner=loan.merchant.partner_id, external_ref=external_ref)
    return judge_booking(
        booking,
        today=get_business_date(),
        disbursed_on=loan.disbursed_on,
        status=LoanStatus(loan.status),
        position=_booked_position(loan),
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
        plan = plan_event(contract_of(loan), event, booked_to=booked_to(loan, latest_close()))
    except LoanRefused as refused:
        return Preview(refusal=refused.reason, plan=None)
    refusal = judge_plan(booking, plan)
    if refusal is not None:
        return Preview(refusal=refusal, plan=None)
    return Preview(
        refusal=None,
        plan=plan,
        is_implausible=is_implausible(booking, _booked_position(loan)),
        is_premature=is_premature(booking, plan),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPreview:
    """What taking a payout back would do, or why it would not be: one of the two is None."""

    refusal: ReturnRefusal | LoanRefusal | None
    plan: Plan | None


def preview_return(loan: Loan, *, on: date, reason: str, seen: int | None) -> ReturnPreview:
    """Plan that the last payout is taken back."""
    refusal = get_return_refusal(loan, on=on, reason=reason, seen=seen)
    if refusal is not None:
        return ReturnPreview(refusal=refusal, plan=None)
    try:
        plan = plan_event(contract_of(loan), return_event(loan, on=on), booked_to=booked_to(loan, latest_close()))
    except LoanRefused as refused:
        return ReturnPreview(refusal=refused.reason, plan=None)
    return ReturnPreview(refusal=None, plan=plan)


def needs_second_person(loan: Loan, booking: Booking) -> bool:
    """Decide from what is stored whether a booking by hand needs a second person."""
    today = get_business_date()
    removed = None if booking.of is None else LoanEvent.objects.filter(loan=loan, seq=booking.of).first()
    amount_minor = booking.amount_minor if removed is None else removed.amount_minor
    return booking.by_hand and needs_second(
        booking,
        amount_minor=amount_minor or 0,
        before_minor=_booked_minor(loan, booking.type),
        currency=loan.currency,
        today=booking.on if today is None else today,
        rates=rate_bounds_of(loan),
    )


def _booked_minor(loan: Loan, kind: EventType) -> int:
    """Sum what staff booked of a kind on a loan, of a bounce what it removed."""
    booked = LoanEvent.objects.filter(loan=loan, type__in=counted_with(kind), actor__startswith=f"{ActorKind.STAFF}:")
    found = booked.aggregate(minor=Sum(Coalesce("amount_minor", "of__amount_minor")))
    return found["minor"] or 0


def rate_bounds_of(loan: Loan) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest yearly rate that the loan's product allows."""
    servicing = servicing_of(loan.product)
    return servicing.lowest_rate, servicing.highest_rate


def _booked_position(loan: Loan) -> Position:
    """Return the position that the ledger has of a loan."""
    return standing_of(loan, on=booked_to(loan, latest_close())).position
