"""Judge what may be booked on a loan, and on which day of the books."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from lending.domain.contract.events import EventType, LoanEvent

BACK_DATED_AT_MOST: Final = timedelta(days=90)
"""Judgement: older events are for a correction that finance signs, not for a form."""


class BookingRefusal(StrEnum):
    """Name the reasons for which an event is not booked; of several, the first counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_DISBURSED = "NOT_DISBURSED"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    TOO_FAR_BACK = "TOO_FAR_BACK"
    BEFORE_THE_LOAN = "BEFORE_THE_LOAN"
    REASON_MISSING = "REASON_MISSING"
    REFERENCE_USED = "REFERENCE_USED"
    NOT_THIS_VERB = "NOT_THIS_VERB"
    BOOKED_MEANWHILE = "BOOKED_MEANWHILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Hold an event to be booked; `of` is the place, in the order of booking, of the event that a reversal removes.

    reason: in a person's words, asked of whoever books by hand; "" for what a partner's system reports. seen: how
    many events the loan had when its effects were shown to whoever confirms them; None: nobody was shown any.
    """

    type: EventType
    on: date
    amount_minor: int | None = None
    rate: Decimal | None = None
    of: int | None = None
    by_hand: bool
    reason: str
    seen: int | None = None


def event_of(booking: Booking, *, event_id: str) -> LoanEvent:
    """Make the event that a booking asks for. Raises LoanRefused (BAD_EVENT)."""
    return LoanEvent(
        id=event_id,
        on=booking.on,
        type=booking.type,
        amount_minor=booking.amount_minor,
        rate=booking.rate,
        of=None if booking.of is None else str(booking.of),
    )


def judge_booking(
    booking: Booking,
    *,
    today: date | None,
    disbursed_on: date | None,
    reverses: EventType | None,
    reference_used: bool,
    events: int,
) -> BookingRefusal | None:
    """Judge whether an event may be booked on a business date; what it does to the loan, `replay` judges."""
    if today is None:
        return BookingRefusal.NO_BUSINESS_DATE
    if disbursed_on is None:
        return BookingRefusal.NOT_DISBURSED
    holds = {
        BookingRefusal.IN_THE_FUTURE: booking.on > today,
        BookingRefusal.TOO_FAR_BACK: booking.on < today - BACK_DATED_AT_MOST,
        BookingRefusal.BEFORE_THE_LOAN: booking.on < disbursed_on,
        BookingRefusal.REASON_MISSING: booking.by_hand and not booking.reason.strip(),
        BookingRefusal.REFERENCE_USED: reference_used,
        # Money that was paid out comes back through the gateway, not through a form.
        BookingRefusal.NOT_THIS_VERB: EventType.DISBURSEMENT in {booking.type, reverses},
        # Confirmed twice, or after another was faster: what was shown is no longer what would happen.
        BookingRefusal.BOOKED_MEANWHILE: booking.seen is not None and booking.seen != events,
    }
    return next((refusal for refusal, held in holds.items() if held), None)


def effective_date(on: date, *, last_proven: date | None) -> date:
    """Give the day of the books for something of a date: its own, or the first that is not proven."""
    return on if last_proven is None else max(on, last_proven + timedelta(days=1))
