"""Name the states of a loan, which follow which, and what counts as repaid on time."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class LoanStatus(StrEnum):
    """Name the states of a loan: promised, its money out, nothing owed any more, or never paid out."""

    APPROVED = "APPROVED"
    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


TRANSITIONS: Final[Mapping[LoanStatus, frozenset[LoanStatus]]] = MappingProxyType(
    {
        LoanStatus.APPROVED: frozenset({LoanStatus.ACTIVE, LoanStatus.CANCELLED}),
        # A payout that comes back leaves a loan that may be paid out again.
        LoanStatus.ACTIVE: frozenset({LoanStatus.CLOSED, LoanStatus.APPROVED}),
        # A closed loan opens again when its last payment is reversed.
        LoanStatus.CLOSED: frozenset({LoanStatus.ACTIVE, LoanStatus.APPROVED}),
        LoanStatus.CANCELLED: frozenset[LoanStatus](),
    }
)
ON_TIME_DPD: Final = 5
"""Days past due that a loan repaid on time may have had at worst: as the scorecard's `repayment` row counts them."""


def repaid_on_time(*, status: LoanStatus, worst_dpd: int) -> bool:
    """Tell whether a loan is one that the ladder may climb on."""
    return status is LoanStatus.CLOSED and worst_dpd <= ON_TIME_DPD
