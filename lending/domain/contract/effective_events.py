"""Find which events of a loan stand, and in which order they take effect."""

from collections.abc import Iterable

from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefusal, LoanRefused


def standing_events(events: Iterable[LoanEvent]) -> list[LoanEvent]:
    """Return the events that no reversal removed, by date, those of one date as they were booked.

    `events` come in the order of booking, and are consumed one by one: so of two faults in a list, that of the
    earlier event is reported, be it in its form or in what it reverses. Raises LoanRefused.
    """
    booked: dict[str, LoanEvent] = {}
    removed: set[str] = set()
    for event in events:
        if event.id in booked:
            raise LoanRefused(LoanRefusal.BAD_EVENT, f"{event.id}: this id is booked twice")
        if event.amount_minor is not None and event.amount_minor <= 0:
            raise LoanRefused(LoanRefusal.AMOUNT_NOT_POSITIVE, f"{event.id}: {event.amount_minor} is not above 0")
        if event.of is not None:
            _require_reversible(event, booked, removed)
            removed.add(event.of)
        booked[event.id] = event
    standing = (event for event in booked.values() if event.type is not EventType.REVERSAL and event.id not in removed)
    return sorted(standing, key=lambda event: event.on)  # stable: a back-dated event goes after those of its date


def _require_reversible(event: LoanEvent, booked: dict[str, LoanEvent], removed: set[str]) -> None:
    reversed_event = booked.get(event.of or "")
    if reversed_event is None:
        raise LoanRefused(LoanRefusal.UNKNOWN_EVENT, f"{event.id}: no {event.of} was booked before it")
    if reversed_event.id in removed:
        raise LoanRefused(LoanRefusal.ALREADY_REVERSED, f"{event.id}: {event.of} is reversed already")
    if reversed_event.type is EventType.REVERSAL:
        raise LoanRefused(LoanRefusal.NOT_REVERSIBLE, f"{event.id}: {event.of} is a reversal; book its event again")
