"""Let go of what is owed: waive a part of it, settle it for less, write it off.

What is let go leaves the loan without money. Of a waiver and a settlement nothing is owed any more; a write-off leaves
a claim on the borrower of the same amount, which earns nothing and which every later payment recovers first. A refund
that is owed back was money lent: it goes with the principal.
"""

from lending.domain.contract.account import LoanAccount
from lending.domain.contract.allocation import Allocation, allocate_payment
from lending.domain.contract.events import EventType
from lending.domain.contract.state import late_since


def waive(account: LoanAccount, kind: EventType, amount: int) -> None:
    """Waive interest, penalty or fees accrued to date, at most what is open of them; the oldest first."""
    match kind:
        case EventType.WAIVE_INTEREST:
            account.waived += _let_go_interest(account, amount)
        case EventType.WAIVE_PENALTY:
            account.waived += _let_go_penalty(account, amount)
        case _:
            account.waived += _let_go_fees(account, amount)


def settle_for(account: LoanAccount, amount: int, *, event: str) -> Allocation:
    """Take a payment, and waive whatever it leaves open."""
    allocation = allocate_payment(account, amount, event=event)
    account.waived += _let_go_all(account)
    account.waived += account.claim
    return allocation


def write_off(account: LoanAccount) -> None:
    """Write off all that is open; nothing accrues from then on.

    The loan stays late since its oldest unpaid due date, or is from now on, until the claim is paid. What is written
    off after that, a fee charged later, is late from its own write-off.
    """
    since = late_since(account)
    if _let_go_all(account):
        account.written_off_since = account.day if since is None else since


def _let_go_all(account: LoanAccount) -> int:
    principal = account.accrual.principal + account.receivable
    account.principal_off += principal
    account.receivable = 0
    account.unpaid, account.kept = [0] * len(account.unpaid), None
    account.late = account.due_today = account.ahead = 0
    account.accrual.principal = 0
    account.charge_all()
    account.interest_to_date = account.interest_owed
    interest = _let_go_interest(account, account.interest_owed)
    account.accrual.overdue = 0
    penalty = _let_go_penalty(account, account.penalty_to_date)
    return principal + interest + penalty + _let_go_fees(account, account.fees_late + account.fees_today)


def _let_go_interest(account: LoanAccount, amount: int) -> int:
    gone = min(amount, max(0, account.interest_to_date - account.interest_paid))
    account.pay_interest(gone)
    account.interest_off += gone
    return gone


def _let_go_penalty(account: LoanAccount, amount: int) -> int:
    gone = min(amount, account.penalty_to_date - account.penalty_paid)
    account.penalty_paid += gone
    account.penalty_off += gone
    return gone


def _let_go_fees(account: LoanAccount, amount: int) -> int:
    gone = min(amount, account.fees_late + account.fees_today)
    late = min(gone, account.fees_late)
    account.pay_fees(late, gone - late)
    account.fees_off += gone
    return gone
