"""Project a replayed loan to its row: its position in the books, and what its next close continues from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from config.kernel.calendar import date_of
from lending.domain.books.ledger import Position
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import Replayed
from lending.domain.contract.state import read_state


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrualCarry:
    """The sums that accrue by arithmetic alone (see `lending.domain.contract.accrual`), until `replay_on`.

    replay_on: the first later date on which an instalment falls due, becomes late or passes its grace; None once
    nothing is outstanding. overdue_minor: the principal that is past its grace.
    """

    overdue_minor: int = 0
    rate_numerator: int = 0
    rate_decimals: int = 0
    interest_numerator: int = 0
    penalty_numerator: int = 0
    replay_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A loan as of a date: its status, position, what is due, late and would close it, and its carry.

    next_due_minor: what falls due on next_due if nothing happens until then, with the interest that will have accrued.
    left_minor: by row of the schedule, how much principal is neither repaid nor prepaid; () without a schedule.
    interest_at_due_minor: interest to date at each due date reached.
    disbursed_on, closed_on: None unless it is; closed_on is the date of the event that closed it.
    """

    status: LoanStatus
    position: Position
    due_minor: int
    payoff_minor: int
    dpd: int
    next_due: date | None
    next_due_minor: int
    disbursed_on: date | None
    closed_on: date | None
    left_minor: tuple[int, ...]
    interest_at_due_minor: tuple[int, ...]
    carry: AccrualCarry


NOT_DISBURSED: Final = Projection(
    status=LoanStatus.APPROVED,
    position=Position(),
    due_minor=0,
    payoff_minor=0,
    dpd=0,
    next_due=None,
    next_due_minor=0,
    disbursed_on=None,
    closed_on=None,
    left_minor=(),
    interest_at_due_minor=(),
    carry=AccrualCarry(),
)


def project(replayed: Replayed, *, as_of: date) -> Projection:
    """Project a replayed loan as of a date that is not before its disbursement."""
    account = replayed.account(as_of)
    if account is None:
        return NOT_DISBURSED
    known = [event for event in replayed.standing if event.on <= as_of]
    state = read_state(account)
    moved = dict.fromkeys(EventType, 0)
    for event in known:
        moved[event.type] += event.amount_minor or 0
    position = Position(
        disbursed_minor=moved[EventType.DISBURSEMENT],
        repaid_minor=moved[EventType.REPAYMENT],
        refunded_minor=moved[EventType.REFUND_CREDIT],
        principal_minor=state.principal_minor,
        interest_minor=state.interest_to_date_minor,
        interest_paid_minor=state.interest_paid_minor,
        penalty_minor=state.penalty_to_date_minor,
        penalty_paid_minor=state.penalty_paid_minor,
        fees_minor=moved[EventType.CHARGE],
        fees_paid_minor=moved[EventType.CHARGE] - state.fees_unpaid_minor,
        credit_minor=state.credit_minor,
    )
    return Projection(
        status=LoanStatus.CLOSED if state.closed else LoanStatus.ACTIVE,
        position=position,
        due_minor=state.due_minor,
        payoff_minor=state.payoff_minor,
        dpd=state.dpd,
        next_due=state.next_due,
        next_due_minor=state.next_due_minor,
        disbursed_on=known[0].on,
        closed_on=_closed_since(replayed, known) if state.closed else None,
        left_minor=state.unpaid_minor,
        interest_at_due_minor=state.interest_at_due_minor,
        carry=_carry(account),
    )


def _closed_since(replayed: Replayed, known: Sequence[LoanEvent]) -> date:
    """Return the date since which a closed loan has stayed so: what was refunded afterwards closed nothing."""
    since, *earlier = sorted({event.on for event in known}, reverse=True)
    for on in earlier:
        if not replayed.state(on).closed:
            break
        since = on
    return since


def _carry(account: LoanAccount) -> AccrualCarry:
    accrual, frame = account.accrual, account.frame
    return AccrualCarry(
        overdue_minor=accrual.overdue,
        rate_numerator=accrual.rate,
        rate_decimals=frame.decimals,
        interest_numerator=accrual.interest,
        penalty_numerator=accrual.penalty,
        replay_on=date_of(_next_turn(account)) if accrual.principal else None,
    )


def _next_turn(account: LoanAccount) -> int:
    """Return the first day after the one reached on which more changes than what accrues."""
    if account.day >= account.frame.last_due:
        return account.day + 1  # every day is a due date for interest
    dues, ripe_days = account.frame.dues[:-1], account.frame.ripe_days[:-1]
    return min(
        day for due, ripe in zip(dues, ripe_days, strict=True) for day in (due, due + 1, ripe) if day > account.day
    )
