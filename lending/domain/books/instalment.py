"""The state of an instalment, and what is left of it to pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from lending.domain.books.loan import LoanStatus
from lending.domain.books.projection import Projection
from lending.domain.contract.schedule import Instalment


class InstalmentState(StrEnum):
    """The states of an instalment."""

    AHEAD = "AHEAD"
    DUE = "DUE"
    LATE = "LATE"
    PAID = "PAID"
    WRITTEN_OFF = "WRITTEN_OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueParts:
    """What is due and unpaid on a date, by part; minor units. The parts add up to the projection's `due_minor`."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fees_minor: int
    claim_minor: int
    receivable_minor: int


def instalment_state(*, due: date, left_minor: int, loan: Projection, as_of: date) -> InstalmentState:
    """Return the state of an instalment as of the date of its loan's projection.

    left_minor: how much of its principal is neither repaid nor prepaid. One whose principal is prepaid still awaits
    its interest while the loan runs, and is late with it from the date since which the loan is late.
    """
    runs = loan.payoff_minor > 0
    if loan.status is LoanStatus.WRITTEN_OFF:
        was_paid = loan.late_since is not None and due < loan.late_since
        return InstalmentState.PAID if was_paid else InstalmentState.WRITTEN_OFF
    if due > as_of:
        return InstalmentState.AHEAD if runs else InstalmentState.PAID
    if due == as_of:
        return InstalmentState.DUE if loan.due_minor else InstalmentState.PAID
    is_late = loan.dpd > 0 and due >= as_of - timedelta(days=loan.dpd)
    return InstalmentState.LATE if left_minor or is_late else InstalmentState.PAID


def left_with_interest(schedule: Sequence[Instalment], loan: Projection) -> list[int]:
    """Return what is left to pay of each instalment, interest and fees to come included; minor units.

    Interest paid counts against the oldest. Up to the date of the projection an instalment's interest is what actually
    accrued between its due dates. The next has what will fall due with it if nothing happens until then; later ones are
    taken as quoted, and as nothing once no principal is outstanding.
    """
    position = loan.position
    paid, before, left = position.interest_paid_minor + position.interest_written_off_minor, 0, []
    for row, (drawn, principal) in enumerate(zip(schedule, loan.left_minor, strict=True)):
        if row < len(loan.interest_at_due_minor):
            interest, before = loan.interest_at_due_minor[row] - before, loan.interest_at_due_minor[row]
        else:
            interest = drawn.interest_minor + drawn.fee_minor if position.principal_minor else 0
        settled = min(paid, interest)
        paid -= settled
        left.append(loan.next_due_minor if drawn.due == loan.next_due else principal + interest - settled)
    return left


def due_parts(schedule: Sequence[Instalment], loan: Projection, *, as_of: date) -> DueParts:
    """Break down what is due and unpaid as of the date of the projection."""
    position = loan.position
    principal = sum(left for drawn, left in zip(schedule, loan.left_minor, strict=True) if drawn.due <= as_of)
    penalty = position.penalty_open_minor
    fees = position.fees_open_minor
    claim, receivable = position.lost_minor - position.recovered_minor, position.receivable_minor
    return DueParts(
        principal_minor=principal,
        interest_minor=loan.due_minor - principal - penalty - fees - claim - receivable,
        penalty_minor=penalty,
        fees_minor=fees,
        claim_minor=claim,
        receivable_minor=receivable,
    )
