"""One loan as its servicer sees it: schedule against actual, events with their allocation, postings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Final

from django.db.models import prefetch_related_objects

from config.db.rows import select
from config.office.business_date import get_business_date
from lending.domain.books.delinquency import standstills_of
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
from lending.domain.contract.delinquency import Standstill
from lending.domain.contract.events import REVERSIBLE, EventType
from lending.domain.contract.replay import Replayed, last_rate
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.spells import Spell, spells_of
from lending.models import Entry, Loan, LoanEvent, Posting, Transfer
from lending.queries.loans import contract_of

# With what removed it, and what it removed.
EVENTS: Final = """
SELECT {e}, {r}, {o} FROM lending_loanevent e LEFT JOIN lending_loanevent r ON r.of_id = e.id
LEFT JOIN lending_loanevent o ON o.id = e.of_id
WHERE e.loan_id = %(loan)s AND e.seq > %(after)s
"""
EARLIEST: Final = f"{EVENTS} ORDER BY e.seq LIMIT %(most)s"
LATEST: Final = f"{EVENTS} ORDER BY e.seq DESC LIMIT %(most)s"
POSTINGS: Final = """
SELECT {p}, {e}
FROM (SELECT * FROM lending_entry WHERE loan_id = %(loan)s ORDER BY id DESC LIMIT %(most)s) e
JOIN lending_posting p ON p.entry_id = e.id ORDER BY e.id DESC, p.id
"""


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
        return self.reversed_by is None and EventType(self.event.type) in REVERSIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a payment went, and the loan on the payment's date, as known when it was booked."""

    allocation: Allocation
    projection: Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicing:
    """A loan as of a date: its projection, schedule, events, postings by entry, and transfers, the latest first.

    rate: the yearly one in force. booked: how many events there are in all. repaid: by day, how much principal was
    repaid or let go, in minor units. spells, standstills: how late it was over time, and what does not count of it.
    """

    as_of: date
    rate: Decimal
    projection: Projection
    due: DueParts
    rows: Sequence[InstalmentRow]
    booked: int
    repaid: Mapping[date, int]
    events: Sequence[EventWithAllocation]
    postings: Sequence[Posting]
    transfers: Sequence[Transfer]
    spells: Sequence[Spell]
    standstills: tuple[Standstill, ...]


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

    most: how many of the latest events and entries are returned; all by default.
    """
    as_of, contract = current_date_of(loan), contract_of(loan)
    prefetch_related_objects([loan], "transfers")  # which the loan's verbs ask about, each again
    replayed = contract.replayed()
    loan.standing_types = frozenset(event.type for event in replayed.standing)  # asked about, too
    projection = project(replayed, as_of=as_of)
    return Servicing(
        as_of=as_of,
        rate=last_rate(contract.terms, replayed.standing),
        projection=projection,
        due=due_parts(replayed.schedule, projection, as_of=as_of),
        rows=_instalments(replayed.schedule, projection, as_of=as_of),
        booked=len(contract.events),
        repaid=_repaid(replayed, projection),
        events=_allocated(LATEST, loan, replayed, most=most),
        postings=_postings(loan, most=most),
        transfers=sorted(loan.transfers.all(), key=attrgetter("pk"), reverse=True),
        spells=spells_of(replayed, to=as_of),
        standstills=standstills_of(contract.terms, replayed.standing),
    )


def get_instalments(loan: Loan, *, as_of: date) -> list[InstalmentRow]:
    """Replay a loan as of a date; return its schedule."""
    replayed = contract_of(loan).replayed()
    return _instalments(replayed.schedule, project(replayed, as_of=as_of), as_of=as_of)


def _instalments(schedule: Sequence[Instalment], projection: Projection, *, as_of: date) -> list[InstalmentRow]:
    return [
        InstalmentRow(
            drawn=drawn,
            principal_left_minor=principal,
            left_minor=left,
            state=instalment_state(due=drawn.due, left_minor=principal, loan=projection, as_of=as_of),
        )
        for drawn, principal, left in zip(
            schedule, projection.left_minor, left_with_interest(schedule, projection), strict=True
        )
    ]


def _repaid(replayed: Replayed, projection: Projection) -> dict[date, int]:
    days, repaid = {event.id: event.on for event in replayed.standing}, defaultdict[date, int](int)
    for part in replayed.allocations:
        repaid[days[part.event]] += part.principal_minor
    minor = projection.position.principal_written_off_minor
    if minor:  # all of it at once
        ends = {EventType.SETTLEMENT, EventType.WRITE_OFF}
        repaid[next(event.on for event in replayed.standing if event.type in ends)] += minor
    return repaid


def events_after(loan: Loan, seq: int, *, most: int) -> list[EventWithAllocation]:
    """List a loan's events after a place in the order of booking, in this order."""
    return _allocated(EARLIEST, loan, contract_of(loan).replayed(), after=seq, most=most)


def _allocated(
    statement: str, loan: Loan, replayed: Replayed, *, after: int = 0, most: int | None
) -> list[EventWithAllocation]:
    asked = {"loan": loan.pk, "after": after, "most": most}
    rows = select(statement, asked, e=LoanEvent, r=LoanEvent, o=LoanEvent)
    asked_for = {str(event.seq) for event, *_ in rows}
    allocations = {one.event: one for one in replayed.allocations if one.event in asked_for}
    found = list[EventWithAllocation]()
    for event, reversed_by, removed in rows:
        event.of = removed
        allocation = allocations.get(str(event.seq))
        found.append(EventWithAllocation(event=event, allocation=allocation, reversed_by=reversed_by))
    return found


def _postings(loan: Loan, *, most: int | None) -> list[Posting]:
    found = list[Posting]()
    for posting, entry in select(POSTINGS, {"loan": loan.pk, "most": most}, p=Posting, e=Entry):
        posting.entry = entry
        found.append(posting)
    return found
