"""The states of a loan, what counts as repaid on time, and what a loan adds to the sums that are kept of all."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from lending.domain.books.ledger import Position


class LoanStatus(StrEnum):
    """The states of a loan.

    Promised; its money out; nothing owed any more; written off, and still owed; never paid out.
    """

    APPROVED = "APPROVED"
    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"
    WRITTEN_OFF = "WRITTEN_OFF"
    CANCELLED = "CANCELLED"


ON_TIME_DPD: Final = 5
"""Most days past due of a loan repaid on time, as the scorecard's `repayment` row counts them."""


def repaid_on_time(*, status: LoanStatus, worst_dpd: int, position: Position) -> bool:
    """Check whether the ladder may climb on a loan: it was repaid, and not let off its principal."""
    return status is LoanStatus.CLOSED and worst_dpd <= ON_TIME_DPD and not position.principal_written_off_minor


def is_to_be_written_off(*, status: LoanStatus, dpd: int, after: int, collecting: bool, was_undone: bool) -> bool:
    """Decide whether a loan is a loss by its product's rule, so many days past due.

    While a collection is under way its money may have come; and whoever undid a write-off decides from then on.
    """
    return status is LoanStatus.ACTIVE and dpd >= after and not collecting and not was_undone


def exposure_minor(*, status: LoanStatus, amount_minor: int, principal_minor: int) -> int:
    """Return what a loan takes of a room: its principal; while its money is not out, the amount that was promised."""
    match status:
        case LoanStatus.APPROVED:
            return amount_minor
        case LoanStatus.ACTIVE:
            return principal_minor
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one loan adds to the sums of its status: what it takes of a room, was paid out, was repaid; minor units."""

    status: LoanStatus
    exposure_minor: int
    disbursed_minor: int
    repaid_minor: int

    @classmethod
    def of(cls, position: Position, *, status: LoanStatus, amount_minor: int) -> Self:
        """Tell it from the loan's status and where the loan stands."""
        return cls(
            status=status,
            exposure_minor=exposure_minor(
                status=status, amount_minor=amount_minor, principal_minor=position.principal_minor
            ),
            disbursed_minor=position.disbursed_minor,
            repaid_minor=position.repaid_minor,
        )
