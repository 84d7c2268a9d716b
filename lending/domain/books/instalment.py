"""Say how an instalment stands."""

from datetime import date, timedelta
from enum import StrEnum

from lending.domain.books.projection import Projection


class InstalmentState(StrEnum):
    """Name how an instalment stands."""

    AHEAD = "AHEAD"
    DUE = "DUE"
    LATE = "LATE"
    PAID = "PAID"


def instalment_state(*, due: date, left_minor: int, loan: Projection, as_of: date) -> InstalmentState:
    """Say how an instalment stands as of the date of its loan's projection.

    left_minor: what of its principal is neither repaid nor prepaid. One whose principal is prepaid still waits for
    its interest while the loan runs, and is late with it from the date on since which the loan is.
    """
    runs = loan.payoff_minor > 0
    if due > as_of:
        return InstalmentState.AHEAD if runs else InstalmentState.PAID
    if due == as_of:
        return InstalmentState.DUE if loan.due_minor else InstalmentState.PAID
    is_late = loan.dpd > 0 and due >= as_of - timedelta(days=loan.dpd)
    return InstalmentState.LATE if left_minor or is_late else InstalmentState.PAID
