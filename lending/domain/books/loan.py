"""Name the states of a loan, and say what counts as repaid on time."""

from enum import StrEnum
from typing import Final


class LoanStatus(StrEnum):
    """The states of a loan: promised, its money out, nothing owed any more, or never paid out."""

    APPROVED = "APPROVED"
    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


ON_TIME_DPD: Final = 5
"""Days past due that a loan repaid on time may have had at worst: as the scorecard's `repayment` row counts them."""


def repaid_on_time(*, status: LoanStatus, worst_dpd: int) -> bool:
    """Tell whether a loan is one that the ladder may climb on."""
    return status is LoanStatus.CLOSED and worst_dpd <= ON_TIME_DPD
