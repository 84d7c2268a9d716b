"""A loan's state as of a date."""

from bisect import bisect_right
from copy import copy
from dataclasses import dataclass
from datetime import date

from config.kernel.calendar import date_of
from lending.domain.contract.account import LoanAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanState:
    """A loan as of a date: after its events, with interest for the days before it.

    Amounts are minor units. due_minor: all that is due and unpaid. dpd: days past due. payoff_minor: what closes
    the loan on that date; credit is not netted. unpaid_minor: by row of the schedule, what is left of its principal;
    empty before the disbursement. interest_at_due_minor: interest to date at each due date reached. next_due,
    next_due_minor: the next date on which something falls due, and how much if nothing happens until then; None and 0
    if nothing will, or once the last due date is reached.
    """

    as_of: date
    principal_minor: int = 0
    interest_to_date_minor: int = 0
    interest_paid_minor: int = 0
    penalty_to_date_minor: int = 0
    penalty_paid_minor: int = 0
    fees_unpaid_minor: int = 0
    credit_minor: int = 0
    due_minor: int = 0
    dpd: int = 0
    payoff_minor: int = 0
    unpaid_minor: tuple[int, ...] = ()
    interest_at_due_minor: tuple[int, ...] = ()
    next_due: date | None = None
    next_due_minor: int = 0

    @property
    def closed(self) -> bool:
        """Whether the loan was disbursed, nothing is outstanding, and nothing that accrued is unpaid."""
        return bool(self.unpaid_minor) and not self.payoff_minor


def read_state(account: LoanAccount) -> LoanState:
    """Read the state from an account that has reached the date."""
    principal = account.accrual.principal
    penalty = account.penalty_to_date - account.penalty_paid
    fees = account.fees_late + account.fees_today
    interest_due = max(0, account.interest_due - account.interest_paid)
    next_due, next_due_minor = _next_due(account)
    return LoanState(
        as_of=date_of(account.day),
        principal_minor=principal,
        interest_to_date_minor=account.interest_to_date,
        interest_paid_minor=account.interest_paid,
        penalty_to_date_minor=account.penalty_to_date,
        penalty_paid_minor=account.penalty_paid,
        fees_unpaid_minor=fees,
        credit_minor=account.credit,
        due_minor=account.late + account.due_today + interest_due + penalty + fees,
        dpd=_days_past_due(account),
        payoff_minor=principal + account.interest_to_date - account.interest_paid + penalty + fees,
        unpaid_minor=tuple(account.unpaid),
        interest_at_due_minor=tuple(account.interest_at_due),
        next_due=next_due,
        next_due_minor=next_due_minor,
    )


def _days_past_due(account: LoanAccount) -> int:
    """Count the days since the earliest due date before the day on which something fell due that is still unpaid.

    0 while that principal and interest are within the tolerance; fees and penalties make no loan late.
    """
    overdue = account.late + max(0, account.interest_late - account.interest_paid)
    if overdue <= account.frame.terms.tolerance_minor:
        return 0
    principal_since = interest_since = account.day
    if account.late:
        row = next(row for row in range(account.past) if account.unpaid[row])
        principal_since = account.frame.dues[row]
    if account.interest_late > account.interest_paid:
        interest_since = _interest_unpaid_since(account)
    return account.day - min(principal_since, interest_since)


def _interest_unpaid_since(account: LoanAccount) -> int:
    """Return the first due date up to which more interest accrued than was paid; one before the day exists."""
    row = bisect_right(account.interest_at_due, account.interest_paid)
    if row < len(account.interest_at_due):
        return account.frame.dues[row]
    # After the last due date every day is one, and interest to date never falls.
    days = range(account.frame.last_due, account.day)
    return days[bisect_right(days, account.interest_paid, key=lambda day: _interest_to(account, day))]


def _interest_to(account: LoanAccount, day: int) -> int:
    """Return the interest to a day after the last due date."""
    _, accrual = account.trail[bisect_right(account.trail, day, key=lambda left: left[0]) - 1]
    accrual = copy(accrual)
    accrual.advance(account.frame.places[day])
    return accrual.interest_minor()


def _next_due(account: LoanAccount) -> tuple[date | None, int]:
    ahead, settled = copy(account.accrual), max(account.interest_due, account.interest_paid)
    for row in range(account.fallen, len(account.unpaid)):
        due = account.frame.dues[row]
        ahead.advance(account.frame.places[due])
        amount = account.unpaid[row] + max(0, ahead.interest_minor() - settled)
        if amount:
            return date_of(due), amount
    return None, 0
