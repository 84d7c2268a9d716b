"""Plan what booking an event does to a loan: the same for a preview and for the write."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lending.domain.books.ledger import Movement, movements
from lending.domain.books.projection import Projection, project
from lending.domain.contract.cost_ahead import interest_to_come_minor
from lending.domain.contract.events import LoanEvent
from lending.domain.contract.replay import Replayed, last_rate, replay
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanHistory:
    """A loan as the engine sees it: its terms, and its events in the order of booking."""

    terms: Terms
    events: tuple[LoanEvent, ...]

    def replayed(self, *more: LoanEvent) -> Replayed:
        """Replay it, with further events booked after the others. Raises LoanRefused."""
        return replay(self.terms, (*self.events, *more))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an event does.

    on: the date from which on it changes the loan: a reversal that of what it removes. to: the date the loan's books
    reach afterwards. earned: what the loan earned up to then, ahead of the close;
    moved: what the event itself moves. before, after: the loan as of `to` without the event and with it.
    unchanged, replayed: the replay without it and with it.
    """

    on: date
    to: date
    earned: tuple[Movement, ...]
    moved: tuple[Movement, ...]
    before: Projection
    after: Projection
    unchanged: Replayed
    replayed: Replayed

    @property
    def schedule_before(self) -> tuple[Instalment, ...]:
        """The schedule without the event; with it, that of `replayed`."""
        return self.unchanged.schedule

    def rate_before(self, on: date) -> Decimal | None:
        """Return the yearly rate that is in force on a date without the event; None before the disbursement."""
        account = self.unchanged.account(on)
        known = [event for event in self.unchanged.standing if event.on <= on]
        return None if account is None else last_rate(account.frame.terms, known)

    def interest_to_come_minor(self) -> tuple[int, int]:
        """Return the interest still to come if all is paid as it falls due, without the event and with it."""
        accounts = (replayed.account(self.to) for replayed in (self.unchanged, self.replayed))
        before, after = (0 if account is None else interest_to_come_minor(account) for account in accounts)
        return before, after


def amount_of(event: LoanEvent, plan: Plan) -> int | None:
    """Return the money that an event is about: what it says, else what it moves in the ledger; None if nothing."""
    return event.amount_minor or sum(movement.amount_minor for movement in plan.moved) or None


def plan_event(contract: LoanHistory, event: LoanEvent, *, booked_to: date | None) -> Plan:
    """Plan an event on a loan that the ledger has up to a date (None: no day was accrued yet).

    A loan whose books are behind the event is advanced first, so that the event's entry contains the event alone;
    one whose books are ahead of it stays there. What it earned is told by replay, not by what is booked: a booking
    leaves a wrong ledger wrong, for the proof to find. Raises LoanRefused.
    """
    to = event.on if booked_to is None else max(booked_to, event.on)
    unchanged = contract.replayed()
    before = project(unchanged, as_of=to)
    booked = before if booked_to is None or booked_to == to else project(unchanged, as_of=booked_to)
    replayed = contract.replayed(event)
    after = project(replayed, as_of=to)
    return Plan(
        on=next((removed.on for removed in contract.events if removed.id == event.of), event.on),
        to=to,
        earned=movements(booked.position, before.position),
        moved=movements(before.position, after.position),
        before=before,
        after=after,
        unchanged=unchanged,
        replayed=replayed,
    )
