"""A loan's state as of a date."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from config.kernel.calendar import date_of, day_number
from lending.domain.contract.account import LoanAccount
from lending.domain.contract.frame import NEVER
from lending.domain.contract.terms import AccrualRule

TOLERATED: Final = 36_525
"""Days past the last due date for which it is computed when a loan within the tolerance turns late: a century."""
SERVICING_FIELDS: Final = (
    "receivable_minor",
    "principal_written_off_minor",
    "interest_written_off_minor",
    "penalty_written_off_minor",
    "fees_written_off_minor",
    "waived_minor",
    "recovered_minor",
)
"""What servicing leaves on a loan."""
LAST_DAY: Final = day_number(date.max) - 1


class LoanState(NamedTuple):
    """A loan as of a date: after its events, with interest for the days before it.

    Amounts are minor units. interest_paid_minor, penalty_paid_minor: by payments alone. *_written_off_minor: what left
    the loan without money, be it waived, settled for less or written off; waived_minor: what of it is not owed any
    more, recovered_minor: what was paid of the rest. receivable_minor: credit that was refunded and is owed back, since
    the payment that it came from bounced. due_minor: all that is due and unpaid. dpd: days past due. payoff_minor: what
    closes the loan on that date; credit is not netted. fees_ahead_minor, interest_ahead_minor: what of it are charges
    that fall due later, and interest that was agreed and is not earned yet. unpaid_minor: by row of the schedule, what
    is left of its principal; empty before the disbursement. interest_at_due_minor: interest to date at each due date
    reached. turn_fee_minor: the fee that falls due on turns_on. next_due, next_due_minor: the next date on which
    something falls due, and how much if nothing happens until then; None and 0 if nothing will, or once the last due
    date is reached.
    """

    as_of: date
    principal_minor: int = 0
    interest_to_date_minor: int = 0
    interest_paid_minor: int = 0
    penalty_to_date_minor: int = 0
    penalty_paid_minor: int = 0
    fees_to_date_minor: int = 0
    fees_unpaid_minor: int = 0
    credit_minor: int = 0
    receivable_minor: int = 0
    principal_written_off_minor: int = 0
    interest_written_off_minor: int = 0
    penalty_written_off_minor: int = 0
    fees_written_off_minor: int = 0
    waived_minor: int = 0
    recovered_minor: int = 0
    due_minor: int = 0
    dpd: int = 0
    late_since: date | None = None
    turns_on: date | None = None
    turn_fee_minor: int = 0
    worst_dpd: int = 0
    payoff_minor: int = 0
    fees_ahead_minor: int = 0
    interest_ahead_minor: int = 0
    unpaid_minor: tuple[int, ...] = ()
    interest_at_due_minor: tuple[int, ...] = ()
    next_due: date | None = None
    next_due_minor: int = 0

    @property
    def closed(self) -> bool:
        """Whether the loan was disbursed, nothing is outstanding, and nothing that accrued is unpaid."""
        return bool(self.unpaid_minor) and not self.payoff_minor


def reach(account: LoanAccount, day: int) -> int | None:
    """Let an account reach a day, before its events, and note how late the loan is by then.

    Returns since when it is late; None if it is not, or if the day was reached before.
    """
    if day == account.day:
        return None
    account.turn_to(day)
    since = late_since(account)
    if since is not None:
        account.worst_dpd = max(account.worst_dpd, day - since)
    return since


def payoff_of(account: LoanAccount) -> int:
    """Return what closes the loan on the day reached; credit is not netted."""
    interest = account.interest_owed - account.interest_paid
    penalty = account.penalty_to_date - account.penalty_paid
    fees = account.fees_late + account.fees_today + account.charges_ahead.total()
    return account.accrual.principal + interest + penalty + fees + account.claim + account.receivable


def read_state(account: LoanAccount) -> LoanState:
    """Read the state from an account that has reached the date."""
    next_due, next_due_minor = _next_due(account)
    since, tomorrow = late_since(account), _late_since_tomorrow(account)
    # What was within the tolerance so far, and is late tomorrow with what falls due today, is not late today.
    becomes_late = since is None and tomorrow is not None and tomorrow < account.day
    stands = None if becomes_late else tomorrow
    state = read_amounts(account)
    runs = state.payoff_minor and account.written_off_since is None
    turn = _next_turn(account, becomes_late=becomes_late, is_late=stands is not None) if runs else None
    return state._replace(
        late_since=None if stands is None else date_of(stands),
        turns_on=None if turn is None else date_of(turn),
        turn_fee_minor=0 if turn is None else _fees_on(account, turn),
        next_due=None if next_due is None else date_of(next_due),
        next_due_minor=next_due_minor,
    )


def read_amounts(account: LoanAccount) -> LoanState:
    """Read the state without what lies ahead: late_since, turns_on and next_due, with their amounts, are left out."""
    penalty = account.penalty_to_date - account.penalty_paid
    fees = account.fees_late + account.fees_today
    interest_due = max(0, account.interest_due - account.interest_paid)
    claims = account.claim + account.receivable
    since = late_since(account)
    return LoanState(
        as_of=date_of(account.day),
        principal_minor=account.accrual.principal,
        interest_to_date_minor=account.interest_to_date,
        interest_paid_minor=account.interest_paid - account.interest_off,
        penalty_to_date_minor=account.penalty_to_date,
        penalty_paid_minor=account.penalty_paid - account.penalty_off,
        fees_to_date_minor=account.fees,
        fees_unpaid_minor=fees,
        credit_minor=account.credit,
        receivable_minor=account.receivable,
        principal_written_off_minor=account.principal_off,
        interest_written_off_minor=account.interest_off,
        penalty_written_off_minor=account.penalty_off,
        fees_written_off_minor=account.fees_off,
        waived_minor=account.waived,
        recovered_minor=account.recovered,
        due_minor=account.late + account.due_today + interest_due + penalty + fees + claims,
        dpd=0 if since is None else account.day - since,
        worst_dpd=account.worst_dpd,
        payoff_minor=payoff_of(account),
        fees_ahead_minor=account.charges_ahead.total(),
        interest_ahead_minor=account.interest_owed - account.interest_to_date,
        unpaid_minor=tuple(account.unpaid),
        interest_at_due_minor=tuple(account.interest_at_due),
    )


def late_since(account: LoanAccount) -> int | None:
    """Return the earliest due date before the day on which something fell due that is still unpaid.

    None while that principal and interest are within the tolerance; fees and penalties make no loan late. A refund that
    is owed back counts as what fell due on its day. A loan that was written off stays late while its claim is unpaid.
    """
    return _since(account, principal=account.late, interest=account.interest_late, before=account.day)


def _late_since_tomorrow(account: LoanAccount) -> int | None:
    """Return the same as of the next day, if nothing happens until then: what falls due on the day counts."""
    principal = account.late + account.due_today
    return _since(account, principal=principal, interest=account.interest_due, before=account.day + 1)


def _since(account: LoanAccount, *, principal: int, interest: int, before: int) -> int | None:
    if account.written_off_since is not None and account.claim:
        return account.written_off_since
    owed_back = account.receivable if account.receivable_since < before else 0
    if principal + max(0, interest - account.interest_paid) + owed_back <= account.frame.terms.tolerance_minor:
        return None
    principal_since = interest_since = before
    if owed_back:
        principal_since = account.receivable_since
    if principal:
        row = next(row for row, unpaid in enumerate(account.unpaid) if unpaid)
        principal_since = min(principal_since, account.frame.dues[row])
    if interest > account.interest_paid:
        interest_since = _interest_unpaid_since(account, before)
    return min(principal_since, interest_since)


def _interest_unpaid_since(account: LoanAccount, before: int) -> int:
    """Return the first due date up to which more interest accrued than was paid; one before the given day exists."""
    row = max(bisect_right(account.interest_at_due, account.interest_paid), account.frame.interest_from)
    if row < len(account.interest_at_due):
        return account.frame.dues[row]
    # After the last due date every day is one, and interest to date never falls.
    days = range(account.frame.last_due, before)
    return days[bisect_right(days, account.interest_paid, key=lambda day: _interest_to(account, day))]


def _interest_to(account: LoanAccount, day: int) -> int:
    """Return the interest to a day after the last due date."""
    _, left = account.trail[bisect_right(account.trail, day, key=lambda left: left[0]) - 1]
    accrual = left.fork()
    accrual.advance(account.frame.places[day])
    return account.interest_of(accrual, day)


def _next_due(account: LoanAccount) -> tuple[int | None, int]:
    known, due, amount = max(account.interest_due, account.interest_paid), NEVER, 0
    for row, (principal, interest) in enumerate(_ahead(account), start=account.fallen):
        amount = principal + max(0, interest - known) + account.fee_ahead(row)
        if amount:
            due = account.frame.dues[row]
            break
    charges = account.charges_ahead
    charged_on = charges.by_due[0][0] if charges.by_due else NEVER
    charged = charges.due_on(charged_on)
    if charged_on < due:
        return charged_on, charged
    return (None, 0) if due == NEVER else (due, amount + (charged if charged_on == due else 0))


def _ahead(account: LoanAccount) -> Iterator[tuple[int, int]]:
    """Yield for each row to come the principal that will fall due with it, and the interest that will have by then."""
    frame = account.frame
    if frame.terms.accrual is AccrualRule.PER_PERIOD or account.kept:  # whose periods are settled one by one
        ahead = account.fork()
        for row in range(account.fallen, len(account.unpaid)):
            if account.kept is not None and row < len(account.unpaid) - 1 and not account.kept.left(row):
                yield 0, 0  # paid in whole: nothing falls due with it
                continue
            ahead.turn_to(frame.dues[row])
            yield ahead.due_today, ahead.interest_due
    else:
        accrual = account.accrual.fork()
        for row in range(account.fallen, len(account.unpaid)):
            accrual.advance(frame.places[frame.dues[row]])
            interest = account.interest_of(accrual, frame.dues[row])
            fallen_due = account.interest_due_with(row, interest) if row >= frame.interest_from else 0
            yield account.unpaid[row], fallen_due


def _next_turn(account: LoanAccount, *, becomes_late: bool, is_late: bool) -> int | None:
    """Return the first day after the one reached that is a due date, turns the loan late or ends a grace."""
    frame, turns = account.frame, list[int]()
    if account.fallen < len(account.unpaid):
        turns.append(frame.dues[account.fallen])
    turns += [due for due, _ in account.charges_ahead.by_due[:1]]
    if becomes_late:
        turns.append(account.day + 1)
    elif account.accrual.principal and account.day >= frame.last_due and not is_late:
        turns += late_from_interest(account)
    if account.accrual.extra:
        ripening = zip(account.unpaid[account.ripe :], frame.ripe_days[account.ripe :], strict=False)
        turns += [day for unpaid, day in ripening if unpaid][:1]
    return min(turns, default=None)


def _fees_on(account: LoanAccount, day: int) -> int:
    row = account.fallen
    return account.charges_ahead.due_on(day) + (account.fee_ahead(row) if day == account.frame.dues[row] else 0)


def late_from_interest(account: LoanAccount) -> list[int]:
    """Return the day from which a loan past its last due date is late, as its interest exceeds the tolerance by then.

    [] if it never does, within TOLERATED days.
    """
    if account.frame.stops:
        return []
    due = account.late + account.due_today - account.interest_paid
    days = range(account.day, min(account.day + TOLERATED, LAST_DAY))
    eves = bisect_right(
        days, account.frame.terms.tolerance_minor, key=lambda day: due + _interest_ahead_to(account, day)
    )
    return [day + 1 for day in days[eves : eves + 1]]


def _interest_ahead_to(account: LoanAccount, day: int) -> int:
    accrual = account.accrual.fork()
    accrual.advance(account.frame.places[day])
    return account.interest_of(accrual, day)
