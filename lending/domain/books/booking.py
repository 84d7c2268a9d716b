"""Decide what may be booked on a loan, and on which day of the books."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.books.ledger import Position
from lending.domain.books.loan import LoanStatus
from lending.domain.books.plan import Plan
from lending.domain.contract.events import RESTRUCTURING, WAIVING, EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefusal

BACK_DATED_AT_MOST: Final = timedelta(days=90)
"""Judgement: what is older is booked by staff alone, and by two of them."""
IMPLAUSIBLE_MULTIPLE: Final = 2
"""Judgement: nobody repays so many times what is owed, and what was lent, but by a slip of the pen."""


class BookingRefusal(StrEnum):
    """Why an event is not booked; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_DISBURSED = "NOT_DISBURSED"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    TOO_FAR_BACK = "TOO_FAR_BACK"
    NOT_BACK_DATED = "NOT_BACK_DATED"
    BEFORE_THE_LOAN = "BEFORE_THE_LOAN"
    REASON_MISSING = "REASON_MISSING"
    REFERENCE_USED = "REFERENCE_USED"
    NOT_THIS_VERB = "NOT_THIS_VERB"
    WRITTEN_OFF = "WRITTEN_OFF"
    AMOUNT_IMPLAUSIBLE = "AMOUNT_IMPLAUSIBLE"
    MORE_THAN_IS_OPEN = "MORE_THAN_IS_OPEN"
    NOTHING_LEFT_TO_SETTLE = "NOTHING_LEFT_TO_SETTLE"
    NOTHING_TO_WRITE_OFF = "NOTHING_TO_WRITE_OFF"
    NOTHING_TO_REDRAW = "NOTHING_TO_REDRAW"
    RATE_UNCHANGED = "RATE_UNCHANGED"
    TOO_MANY_PERIODS = "TOO_MANY_PERIODS"
    BOOKED_MEANWHILE = "BOOKED_MEANWHILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An event to be booked; `of` is the place, in the order of booking, of the event that it removes.

    reason: in a person's words, required of whoever books by hand; "" for what a partner's system reports. seen: how
    many events the loan had when its effects were shown to whoever confirms them; None: they were not shown. sure:
    whoever books by hand confirms the amount, though it is implausible.
    """

    type: EventType
    on: date
    amount_minor: int | None = None
    rate: Decimal | None = None
    of: int | None = None
    periods: int | None = None
    by_hand: bool
    reason: str
    seen: int | None = None
    sure: bool = False


AGREED: Final = RESTRUCTURING | WAIVING | {EventType.WRITE_OFF}
"""What the lender grants or gives up, other than a payment that came in."""
RUNNING: Final = AGREED | {EventType.CHARGE, EventType.RATE_CHANGE}
"""Events of loans that were not written off."""
GIVING_UP: Final = frozenset({EventType.SETTLEMENT, EventType.WRITE_OFF})
"""Events after which a loan is not collected any more, though it was not repaid."""
MOST_PERIODS: Final = 60
"""Judgement: by so many at a time may a loan be paused or extended, or over so many spread."""


def event_of(booking: Booking, *, event_id: str) -> LoanEvent:
    """Return the event that a booking asks for. Raises LoanRefused (BAD_EVENT)."""
    return LoanEvent(
        id=event_id,
        on=booking.on,
        type=booking.type,
        amount_minor=booking.amount_minor,
        rate=booking.rate,
        of=None if booking.of is None else str(booking.of),
        periods=booking.periods,
    )


def judge_verb(
    kind: EventType, *, disbursed_on: date | None, status: LoanStatus, credit_minor: int
) -> BookingRefusal | LoanRefusal | None:
    """Decide whether an event of a kind may be booked at all, whatever its date and amount."""
    if disbursed_on is None:
        return BookingRefusal.NOT_DISBURSED
    if status is LoanStatus.WRITTEN_OFF and kind in RUNNING:
        return BookingRefusal.WRITTEN_OFF
    spends_credit = kind in {EventType.APPLY_CREDIT, EventType.REFUND_CREDIT}
    return LoanRefusal.CREDIT_TOO_SMALL if spends_credit and not credit_minor else None


def is_implausible(booking: Booking, position: Position) -> bool:
    """Check whether a repayment, with the credit that is held, is above twice what the loan owes, and what was lent."""
    most = IMPLAUSIBLE_MULTIPLE * max(position.owed_minor, position.disbursed_minor)
    return booking.type is EventType.REPAYMENT and (booking.amount_minor or 0) + position.credit_minor > most


def is_premature(booking: Booking, plan: Plan) -> bool:
    """Check whether an event gives up a loan that is not past due."""
    return booking.type in GIVING_UP and not plan.before.dpd


def judge_plan(booking: Booking, plan: Plan) -> BookingRefusal | None:
    """Decide whether a planned event does what it is booked for: an event that did less would mislead whoever reads it.

    Later, when something before it is reversed or back-dated, it may do less.
    """
    before, after = plan.before.position, plan.after.position
    kind, waived = booking.type, after.waived_minor - before.waived_minor
    holds = {
        BookingRefusal.MORE_THAN_IS_OPEN: kind in WAIVING and waived < (booking.amount_minor or 0),
        BookingRefusal.NOTHING_LEFT_TO_SETTLE: kind is EventType.SETTLEMENT and not waived,
        BookingRefusal.NOTHING_TO_WRITE_OFF: kind is EventType.WRITE_OFF and after.lost_minor == before.lost_minor,
        BookingRefusal.NOTHING_TO_REDRAW: kind in RESTRUCTURING and plan.schedule_before == plan.replayed.schedule,
        BookingRefusal.RATE_UNCHANGED: kind is EventType.RATE_CHANGE and booking.rate == plan.rate_before(booking.on),
    }
    return first_of(holds)


def judge_booking(
    booking: Booking,
    *,
    today: date | None,
    disbursed_on: date | None,
    status: LoanStatus,
    position: Position,
    reverses: EventType | None,
    reference_used: bool,
    events: int,
) -> BookingRefusal | LoanRefusal | None:
    """Decide whether an event may be booked on a business date; its effect on the loan is judged by `replay`.

    position: the loan's, in the books.
    """
    if today is None:
        return BookingRefusal.NO_BUSINESS_DATE
    refusal = judge_verb(booking.type, disbursed_on=disbursed_on, status=status, credit_minor=position.credit_minor)
    if refusal is not None or disbursed_on is None:
        return refusal
    holds = {
        BookingRefusal.IN_THE_FUTURE: booking.on > today,
        BookingRefusal.TOO_FAR_BACK: not booking.by_hand and booking.on < today - BACK_DATED_AT_MOST,
        # What was agreed takes effect when it is: back-dated, it would rewrite how late the loan has been.
        BookingRefusal.NOT_BACK_DATED: booking.on < today and booking.type in AGREED,
        BookingRefusal.BEFORE_THE_LOAN: booking.on < disbursed_on,
        BookingRefusal.REASON_MISSING: booking.by_hand and not booking.reason.strip(),
        BookingRefusal.REFERENCE_USED: reference_used,
        # Money that was paid out comes back through the gateway, not through a form.
        BookingRefusal.NOT_THIS_VERB: EventType.DISBURSEMENT in {booking.type, reverses},
        BookingRefusal.AMOUNT_IMPLAUSIBLE: is_implausible(booking, position) and not (booking.by_hand and booking.sure),
        BookingRefusal.TOO_MANY_PERIODS: (booking.periods or 0) > MOST_PERIODS,
        # Confirmed twice, or after another booking: what was shown is no longer what would happen.
        BookingRefusal.BOOKED_MEANWHILE: booking.seen is not None and booking.seen != events,
    }
    return first_of(holds)


def effective_date(on: date, *, last_proven: date | None) -> date:
    """Return the day of the books for something of a date: its own, or the first that is not proven."""
    return on if last_proven is None else max(on, last_proven + timedelta(days=1))
