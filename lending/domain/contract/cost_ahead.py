"""What a loan still costs if it is paid as it falls due."""

from lending.domain.contract.account import LoanAccount
from lending.domain.contract.allocation import allocate_payment
from lending.domain.contract.state import reach, read_state


def interest_to_come_minor(account: LoanAccount) -> int:
    """Return the interest still to come if all that is due is paid at once, and the rest on its date; minor units."""
    ahead = account.fork()
    _pay_due(ahead)
    for due in account.frame.dues[account.fallen : -1]:
        reach(ahead, due)
        _pay_due(ahead)
    return ahead.interest_to_date - account.interest_to_date


def _pay_due(account: LoanAccount) -> None:
    due = read_state(account).due_minor
    if due:
        allocate_payment(account, due, event="")
