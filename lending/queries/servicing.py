"""One loan as its servicer sees it: schedule against actual, events with their allocation, postings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter

from django.db.models import prefetch_related_objects

from config.office.business_date import get_business_date
from lending.domain.books.instalment import (
    DueParts,
    InstalmentState,
    due_parts,
    instalment_state,
    left_with_interest,
)
from lending.domain.books.plan import LoanHistory
from lending.domain.books.projection import Projection, project
from lending.domain.contract.allocation import Allocation
from lending.domain.contract.events import IRREVERSIBLE, EventType
from lending.domain.contract.replay import Replayed, last_rate
from lending.domain.contract.schedule import Instalment
from lending.models import Entry, Loan, LoanEvent, Transfer
from lending.queries.loans import contract_of


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentRow:
    """An instalment as drawn, what is left of its principal, and with interest, and its state."""

    drawn: Instalment
    principal_left_minor: int
    left_minor: int
    state: InstalmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWithAllocation:
    """An event, its allocation (of a payment that stands), and the later event that reversed it."""

    event: LoanEvent
    allocation: Allocation | None
    reversed_by: LoanEvent | None

    @property
    def is_reversible(self) -> bool:
        """Tell whether it may be reversed by hand, as `reversible_events` does."""
        return self.reversed_by is None and EventType(self.event.type) not in IRREVERSIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a payment went, and the loan on the payment's date, as known when it was booked."""

    allocation: Allocation
    projection: Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicing:
    """A loan as of a date: its projection, schedule, events, entries with postings, and transfers, the latest first.

    rate: the yearly one in force. booked: how many events there are in all. repaid: when principal was repaid or let
    go, and how much, in minor units.
    """

    as_of: date
    rate: Decimal
    projection: Projection
    due: DueParts
    rows: Sequence[InstalmentRow]
    booked: int
    repaid: Sequence[tuple[date, int]]
    events: Sequence[EventWithAllocation]
    entries: Sequence[Entry]
    transfers: Sequence[Transfer]


def current_date_of(loan: Loan) -> date:
    """Return the date as of which a loan is shown: the business date, or the one its books reach if that is later."""
    today = get_business_date() or loan.approved_at.date()
    return today if loan.booked_to is None else max(today, loan.booked_to)


def receipt_of(payment: LoanEvent) -> Receipt:
    """Replay a loan up to the booking of a payment: the receipt stays the same, whatever is booked later."""
    replayed = _as_booked(payment)
    return Receipt(
        allocation=next(part for part in replayed.allocations if part.event == str(payment.seq)),
        projection=project(replayed, as_of=payment.on),
    )


def projection_when_booked(event: LoanEvent) -> Projection:
    """Return the loan on an event's date, as known when it was booked."""
    return project(_as_booked(event), as_of=event.on)


def _as_booked(event: LoanEvent) -> Replayed:
    contract = contract_of(event.loan)
    return LoanHistory(terms=contract.terms, events=contract.events[: event.seq]).replayed()


def get_servicing(loan: Loan, *, most: int | None = None) -> Servicing:
    """Replay a loan as of the business date, or the date its books reach if that is later.

    most: how many events and entries are read, the latest; all by default.
    """
    as_of, contract = current_date_of(loan), contract_of(loan)
    prefetch_related_objects([loan], "transfers")  # which the loan's verbs ask about, each again
    replayed = contract.replayed()
    projection = project(replayed, as_of=as_of)
    days = {event.id: event.on for event in replayed.standing}
    return Servicing(
        as_of=as_of,
        rate=last_rate(contract.terms, replayed.standing),
        projection=projection,
        due=due_parts(replayed.schedule, projection, as_of=as_of),
        rows=[
            InstalmentRow(
                drawn=drawn,
                principal_left_minor=principal,
                left_minor=left,
                state=instalment_state(due=drawn.due, left_minor=principal, loan=projection, as_of=as_of),
            )
            for drawn, principal, left in zip(
                replayed.schedule, projection.left_minor, left_with_interest(replayed.schedule, projection), strict=True
            )
        ],
        booked=len(contract.events),
        repaid=[
            *((days[part.event], part.principal_minor) for part in replayed.allocations if part.principal_minor),
            *_let_go(replayed, projection),
        ],
        events=_allocated(LoanEvent.objects.filter(loan=loan).order_by("-seq")[:most], replayed),
        entries=list(Entry.objects.filter(loan=loan).prefetch_related("postings").order_by("-pk")[:most]),
        transfers=sorted(loan.transfers.all(), key=attrgetter("pk"), reverse=True),
    )


def _let_go(replayed: Replayed, projection: Projection) -> list[tuple[date, int]]:
    """Return when the principal was written off or settled for less, all of it at once, and how much."""
    minor = projection.position.principal_written_off_minor
    ends = {EventType.SETTLEMENT, EventType.WRITE_OFF}
    return [(event.on, minor) for event in replayed.standing if minor and event.type in ends][:1]


def events_after(loan: Loan, seq: int, *, most: int) -> list[EventWithAllocation]:
    """List a loan's events after a place in the order of booking, in this order."""
    events = LoanEvent.objects.filter(loan=loan, seq__gt=seq).order_by("seq")
    return _allocated(events[:most], contract_of(loan).replayed())


def _allocated(events: Iterable[LoanEvent], replayed: Replayed) -> list[EventWithAllocation]:
    rows = list(events)
    allocations = {allocation.event: allocation for allocation in replayed.allocations}
    reversals = {event.of_id: event for event in LoanEvent.objects.filter(of__in=[row.pk for row in rows])}
    return [
        EventWithAllocation(event=row, allocation=allocations.get(str(row.seq)), reversed_by=reversals.get(row.pk))
        for row in rows
    ]
