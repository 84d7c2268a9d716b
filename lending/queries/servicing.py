"""Read one loan as whoever services it sees it: schedule against actual, events with their allocation, postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from config.office.business_date import get_business_date
from lending.domain.allocation import Allocation
from lending.domain.ledger import Position
from lending.domain.loan import LoanStatus
from lending.domain.plan import Contract
from lending.domain.projection import Projection, project
from lending.domain.schedule import Instalment
from lending.models import Entry, Loan, LoanEvent, Transfer
from lending.queries.loans import contract_of


class InstalmentState(StrEnum):
    """Name how an instalment stands."""

    AHEAD = "AHEAD"
    DUE = "DUE"
    LATE = "LATE"
    PAID = "PAID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold an instalment as drawn, what of its principal is left, and how it stands."""

    drawn: Instalment
    left_minor: int
    state: InstalmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Hold an event, where its money went (a payment that stands), and whether a later one reversed it."""

    event: LoanEvent
    allocation: Allocation | None
    reversed_by: LoanEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Hold where a payment went, and how the loan stood on the payment's date, as it was known when it was booked."""

    allocation: Allocation
    projection: Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicing:
    """Hold a loan as of a date: its projection, schedule, events, entries with postings, and transfers."""

    as_of: date
    projection: Projection
    rows: Sequence[Row]
    happenings: Sequence[Happening]
    entries: Sequence[Entry]
    transfers: Sequence[Transfer]

    @property
    def payoff_minor(self) -> int:
        """Give what closes the loan on the date."""
        return payoff_of(self.projection.position)


def current_date_of(loan: Loan) -> date:
    """Give the date as of which a loan is shown: the business date, or the one its books reach if that is later."""
    today = get_business_date() or loan.approved_at.date()
    return today if loan.booked_to is None else max(today, loan.booked_to)


def receipt_of(payment: LoanEvent) -> Receipt:
    """Replay a loan up to the booking of a payment: whatever is booked later, the receipt stays the same."""
    contract = contract_of(payment.loan)
    replayed = Contract(terms=contract.terms, events=contract.events[: payment.seq]).replayed()
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
    events = list(LoanEvent.objects.filter(loan=loan).order_by("-seq"))
    reversals = {event.of_id: event for event in events if event.of_id is not None}
    return Servicing(
        as_of=as_of,
        projection=projection,
        rows=[
            Row(drawn=drawn, left_minor=left, state=_state_of(drawn, left, projection, as_of))
            for drawn, left in zip(replayed.schedule, projection.left_minor, strict=True)
        ],
        happenings=[
            Happening(event=event, allocation=allocations.get(str(event.seq)), reversed_by=reversals.get(event.pk))
            for event in events
        ],
        entries=list(Entry.objects.filter(loan=loan).prefetch_related("postings").order_by("-pk")),
        transfers=list(Transfer.objects.filter(loan=loan).order_by("-pk")),
    )


def payoff_of(position: Position) -> int:
    """Add up what closes a loan at a position; credit is not netted."""
    return (
        position.principal_minor
        + position.interest_minor
        - position.interest_paid_minor
        + position.penalty_minor
        - position.penalty_paid_minor
        + position.fees_minor
        - position.fees_paid_minor
    )


def _state_of(drawn: Instalment, left: int, projection: Projection, as_of: date) -> InstalmentState:
    late_since = as_of.toordinal() - projection.dpd
    if drawn.due > as_of:
        return InstalmentState.AHEAD if left or projection.status is LoanStatus.ACTIVE else InstalmentState.PAID
    if drawn.due == as_of:
        return InstalmentState.DUE if projection.due_minor else InstalmentState.PAID
    late = projection.dpd and drawn.due.toordinal() >= late_since
    return InstalmentState.LATE if left or late else InstalmentState.PAID
