"""One loan as its servicer sees it: schedule against actual, events with their allocation, postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a payment went, and the loan on the payment's date, as known when it was booked."""

    allocation: Allocation
    projection: Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicing:
    """A loan as of a date: its projection, schedule, events, entries with postings, and transfers."""

    as_of: date
    projection: Projection
    due: DueParts
    rows: Sequence[InstalmentRow]
    events: Sequence[EventWithAllocation]
    entries: Sequence[Entry]
    transfers: Sequence[Transfer]


def current_date_of(loan: Loan) -> date:
    """Return the date as of which a loan is shown: the business date, or the one its books reach if that is later."""
    today = get_business_date() or loan.approved_at.date()
    return today if loan.booked_to is None else max(today, loan.booked_to)


def receipt_of(payment: LoanEvent) -> Receipt:
    """Replay a loan up to the booking of a payment: the receipt stays the same, whatever is booked later."""
    contract = contract_of(payment.loan)
    replayed = LoanHistory(terms=contract.terms, events=contract.events[: payment.seq]).replayed()
    return Receipt(
        allocation=next(part for part in replayed.allocations if part.event == str(payment.seq)),
        projection=project(replayed, as_of=payment.on),
    )


def get_servicing(loan: Loan) -> Servicing:
    """Replay a loan as of the business date, or the date its books reach if that is later."""
    as_of = current_date_of(loan)
    replayed = contract_of(loan).replayed()
    projection = project(replayed, as_of=as_of)
    allocations = {allocation.event: allocation for allocation in replayed.allocations}
    booked = list(LoanEvent.objects.filter(loan=loan).order_by("-seq"))
    reversals = {event.of_id: event for event in booked if event.of_id is not None}
    return Servicing(
        as_of=as_of,
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
        events=[
            EventWithAllocation(
                event=event, allocation=allocations.get(str(event.seq)), reversed_by=reversals.get(event.pk)
            )
            for event in booked
        ],
        entries=list(Entry.objects.filter(loan=loan).prefetch_related("postings").order_by("-pk")),
        transfers=list(Transfer.objects.filter(loan=loan).order_by("-pk")),
    )
