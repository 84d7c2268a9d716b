"""Find which events of a loan stand, and in which order they take effect."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NamedTuple

from lending.domain.contract.events import REMOVING, EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefusal, LoanRefused

SPENDING: Final = frozenset({EventType.APPLY_CREDIT, EventType.REFUND_CREDIT})
PAYMENTS: Final = frozenset({EventType.REPAYMENT, EventType.SETTLEMENT})
"""What a bank may take back."""


class Standing(NamedTuple):
    """The events that stand; the ids of those that spent credit before a payment bounced, and what bounced in all."""

    events: list[LoanEvent]
    spent_before_bounce: frozenset[str]
    bounced_minor: int


def standing_events(events: Iterable[LoanEvent]) -> Standing:
    """Return the events that no reversal or bounce removed, by date, those of one date as they were booked.

    `events` come in the order of booking, and are consumed one by one: so of two faults in a list, that of the
    earlier event is reported, be it in its form or in what it removes. Raises LoanRefused.
    """
    booked: dict[str, LoanEvent] = {}
    removed: set[str] = set()
    spent, bounced = frozenset[str](), 0
    for event in events:
        if event.id in booked:
            raise LoanRefused(LoanRefusal.BAD_EVENT, f"{event.id}: this id is booked twice")
        if event.amount_minor is not None and event.amount_minor <= 0:
            raise LoanRefused(LoanRefusal.AMOUNT_NOT_POSITIVE, f"{event.id}: {event.amount_minor} is not above 0")
        if event.of is not None:
            _require_reversible(event, booked, removed)
            removed.add(event.of)
            if event.type is EventType.BOUNCE:
                spent = frozenset(earlier.id for earlier in booked.values() if earlier.type in SPENDING)
                bounced += booked[event.of].amount_minor or 0
        booked[event.id] = event
    standing = list(booked.values())
    if removed:
        standing = [event for event in standing if event.of is None and event.id not in removed]
    # stable: a back-dated event goes after those of its date
    return Standing(sorted(standing, key=attrgetter("on")), spent, bounced)


def _require_reversible(event: LoanEvent, booked: dict[str, LoanEvent], removed: set[str]) -> None:
    reversed_event = booked.get(event.of or "")
    if reversed_event is None:
        raise LoanRefused(LoanRefusal.UNKNOWN_EVENT, f"{event.id}: no {event.of} was booked before it")
    if reversed_event.id in removed:
        raise LoanRefused(LoanRefusal.ALREADY_REVERSED, f"{event.id}: {event.of} is reversed already")
    if reversed_event.type in REMOVING:
        message = f"{event.id}: {event.of} is a {reversed_event.type}; book its event again"
        raise LoanRefused(LoanRefusal.NOT_REVERSIBLE, message)
    if event.type is EventType.BOUNCE and reversed_event.type not in PAYMENTS:
        raise LoanRefused(LoanRefusal.NOT_REVERSIBLE, f"{event.id}: {event.of} is no payment; only payments bounce")
