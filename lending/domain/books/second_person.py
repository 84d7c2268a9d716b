"""Which bookings one person may make alone, and which a second person has to approve."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from config.kernel.money import parse_minor
from lending.domain.books.booking import BACK_DATED_AT_MOST, Booking
from lending.domain.contract.events import WAIVING, EventType
from lending.domain.contract.fields import HIGHEST_RATE

NEVER: Final = 0
ALONE_UP_TO: Final[Mapping[EventType, int]] = MappingProxyType(
    {
        EventType.REPAYMENT: 10_000,
        EventType.BOUNCE: 10_000,
        EventType.CHARGE: 1_000,
        EventType.WAIVE_INTEREST: 100,
        EventType.WAIVE_PENALTY: 100,
        EventType.WAIVE_FEE: 100,
        EventType.REFUND_CREDIT: NEVER,
        EventType.REVERSAL: NEVER,
        EventType.SETTLEMENT: NEVER,
        EventType.WRITE_OFF: NEVER,
        EventType.PAUSE: NEVER,
        EventType.EXTEND: NEVER,
        EventType.RE_AMORTISE: NEVER,
        EventType.RE_AGE: NEVER,
    }
)
"""Judgement, to be signed off: amounts in major units of the loan's currency; what is not here one may do alone.

Whoever collects a loan does not alone make it look on time."""


def counted_with(kind: EventType) -> frozenset[EventType]:
    """Return the kinds of which what was booked before counts with a booking: all waivers are of one kind."""
    return WAIVING if kind in WAIVING else frozenset({kind})


def needs_second(
    booking: Booking,
    *,
    amount_minor: int,
    before_minor: int,
    currency: str,
    today: date,
    rates: tuple[Decimal, Decimal],
) -> bool:
    """Decide whether a booking by hand needs a second person, by its amount, its date and its rate.

    amount_minor: the booking's, or that of the event which it removes; of what has none, 0. before_minor: what staff
    booked of the same kind on the loan before, so that no amount is split. rates: the lowest and the
    highest yearly rate of the loan's product.
    """
    most = ALONE_UP_TO.get(booking.type)
    return (
        (most is not None and (most == NEVER or amount_minor + before_minor > parse_minor(str(most), currency)))
        or booking.on < today - BACK_DATED_AT_MOST
        or (booking.rate is not None and (booking.on < today or not _is_agreed(booking.rate, rates)))
    )


def _is_agreed(rate: Decimal, bounds: tuple[Decimal, Decimal]) -> bool:
    """Tell whether a rate is one that the product foresees; one that names no highest foresees none."""
    lowest, highest = bounds
    return highest < HIGHEST_RATE and lowest <= rate <= highest


RESOLVED_ALONE_UP_TO: Final = 1_000
"""Judgement: in major units, what one person may say of a line in suspense."""


def line_needs_second(amount_minor: int, *, currency: str, may_be_altered: bool) -> bool:
    """Decide whether a second person has to approve what a line of a bank's statement is said to be.

    may_be_altered: it names another account than its order has.
    """
    return may_be_altered or abs(amount_minor) > parse_minor(str(RESOLVED_ALONE_UP_TO), currency)
