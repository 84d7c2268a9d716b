"""Project a replayed loan to its row: its position in the books, and what its next close continues from."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from config.kernel.calendar import day_number
from config.kernel.daycount import DayCount
from lending.domain.books.ledger import Position
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import Replayed
from lending.domain.contract.state import LoanState, read_amounts, read_state


class AccrualCarry(NamedTuple):
    """What interest and penalty follow from by arithmetic alone, on any later date up to the loan's next turn.

    overdue_minor: the principal that is past its grace. rate_numerator, interest_numerator, penalty_numerator: sums
    over `denominator`; extra over extra_scale: the penalty's multiple of the rate (see
    `lending.domain.contract.accrual`). place: the date reached, in units of the day count; None before the
    disbursement. fits_to: the last place up to which no product of these exceeds 64 bits.
    """

    day_count: DayCount | None = None
    place: int = 0
    overdue_minor: int = 0
    rate_numerator: int = 0
    interest_numerator: int = 0
    penalty_numerator: int = 0
    denominator: int = 1
    extra: int = 0
    extra_scale: int = 1
    fits_to: int = 0


class Projection(NamedTuple):
    """A loan as of a date: its status, position, what is due, late and would close it, and its carry.

    late_since: the due date since which it is late, or will be tomorrow if nothing is paid. worst_dpd: the most days
    past due so far. turns_on: the first later date on which more changes than what accrues and the days past due;
    turn_fee_minor: the fee that falls due on it.
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
    late_since: date | None
    worst_dpd: int
    turns_on: date | None
    turn_fee_minor: int
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
    late_since=None,
    worst_dpd=0,
    turns_on=None,
    turn_fee_minor=0,
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
    return NOT_DISBURSED if account is None else project_account(replayed, account, through=as_of)


def project_account(replayed: Replayed, account: LoanAccount, *, through: date) -> Projection:
    """Project a loan's account, which has reached some day, with its events up to a date."""
    known = [event for event in replayed.standing if event.on <= through]
    state = read_state(account)
    position = position_of(state, known)
    return Projection(
        status=_status(state, position),
        position=position,
        due_minor=state.due_minor,
        payoff_minor=state.payoff_minor,
        dpd=state.dpd,
        late_since=state.late_since,
        worst_dpd=state.worst_dpd,
        turns_on=state.turns_on,
        turn_fee_minor=state.turn_fee_minor,
        next_due=state.next_due,
        next_due_minor=state.next_due_minor,
        disbursed_on=known[0].on,
        closed_on=_closed_since(replayed, known) if state.closed else None,
        left_minor=state.unpaid_minor,
        interest_at_due_minor=state.interest_at_due_minor,
        carry=_carry(account),
    )


def position_after(replayed: Replayed, day: date) -> Position:
    """Return a loan's position at the end of a day: with its events and its night, without the next day's events."""
    account = replayed.account(day)
    if account is None:
        return Position()
    account.turn_to(day_number(day) + 1)
    return position_of(read_amounts(account), [event for event in replayed.standing if event.on <= day])


def position_of(state: LoanState, known: Sequence[LoanEvent]) -> Position:
    """Return the position of a loan in a state, after its events up to then."""
    moved = defaultdict[EventType, int](int)
    for event in known:
        moved[event.type] += event.amount_minor or 0
    return Position(
        disbursed_minor=moved[EventType.DISBURSEMENT],
        repaid_minor=moved[EventType.REPAYMENT] + moved[EventType.SETTLEMENT],
        refunded_minor=moved[EventType.REFUND_CREDIT],
        principal_minor=state.principal_minor,
        interest_minor=state.interest_to_date_minor,
        interest_paid_minor=state.interest_paid_minor,
        penalty_minor=state.penalty_to_date_minor,
        penalty_paid_minor=state.penalty_paid_minor,
        fees_minor=state.fees_to_date_minor,
        fees_paid_minor=state.fees_to_date_minor - state.fees_unpaid_minor - state.fees_written_off_minor,
        credit_minor=state.credit_minor,
        receivable_minor=state.receivable_minor,
        principal_written_off_minor=state.principal_written_off_minor,
        interest_written_off_minor=state.interest_written_off_minor,
        penalty_written_off_minor=state.penalty_written_off_minor,
        fees_written_off_minor=state.fees_written_off_minor,
        waived_minor=state.waived_minor,
        recovered_minor=state.recovered_minor,
    )


def _status(state: LoanState, position: Position) -> LoanStatus:
    if state.closed:
        return LoanStatus.CLOSED
    return LoanStatus.WRITTEN_OFF if position.lost_minor > position.recovered_minor else LoanStatus.ACTIVE


def _closed_since(replayed: Replayed, known: Sequence[LoanEvent]) -> date:
    """Return the date since which a closed loan has stayed so: what was refunded afterwards closed nothing."""
    since, *earlier = sorted({event.on for event in known}, reverse=True)
    for on in earlier:
        if not replayed.state(on).closed:
            break
        since = on
    return since


def _carry(account: LoanAccount) -> AccrualCarry:
    accrual = account.accrual
    return AccrualCarry(
        day_count=account.frame.terms.day_count,
        place=accrual.at,
        overdue_minor=accrual.overdue,
        rate_numerator=accrual.rate,
        interest_numerator=accrual.interest,
        penalty_numerator=accrual.penalty,
        denominator=accrual.year,
        extra=accrual.extra,
        extra_scale=accrual.extra_scale,
        fits_to=accrual.fits_to(),
    )
