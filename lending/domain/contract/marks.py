"""How an account was left after each day of a replay, and what of it is in arrears."""

from typing import NamedTuple

from lending.domain.contract.account import LoanAccount
from lending.domain.contract.state import late_since, payoff_of


class MovedSoFar(NamedTuple):
    """What moved on a loan so far, in minor units, as `Flow` of `lending.domain.contract.flows` has it by day."""

    disbursed: int
    received: int
    written_off: int
    recovered: int


Arrival = tuple[int | None, int]
"""When an account came to a day, before its events: since when it was late, and how many rows were due before."""


class Mark(NamedTuple):
    """How an account was left after the events of a day; days are numbers, amounts minor units.

    arrival: how it came to the day. runs: it is neither closed nor written off. fallen: how many rows were due by then.
    turns: something that is not past due yet will be on the next day, if it stays unpaid. money: what moved so far.
    """

    day: int
    arrival: Arrival
    runs: bool
    principal_minor: int
    late_since: int | None
    arrears_minor: int
    fallen: int
    turns: bool
    money: MovedSoFar


def mark_of(account: LoanAccount, arrival: Arrival) -> Mark:
    """Note how an account is left after the events of a day: of a loan that was not late they make none that is."""
    principal = account.accrual.principal
    late = None if arrival[0] is None else late_since(account)
    fields = (
        account.day,
        arrival,
        (principal > 0 or payoff_of(account) > 0) and (account.written_off_since is None or not account.claim),
        principal,
        late,
        0 if late is None else arrears_of(account),
        account.fallen,
        account.fallen > account.past or (account.receivable > 0 and account.receivable_since == account.day),
        money_of(account),
    )
    return Mark._make(fields)  # loans have thousands


def money_of(account: LoanAccount) -> MovedSoFar:
    """Return what moved so far; what is paid on a claim is not received as interest or fees.

    It counts as recovered up to the principal that was written off, which it is set against.
    """
    interest = account.interest_paid - account.interest_off
    penalty = account.penalty_paid - account.penalty_off
    fees = account.fees - account.fees_late - account.fees_today - account.fees_off
    recovered = min(account.recovered, account.principal_off)
    return MovedSoFar._make((account.lent, interest + penalty + fees, account.principal_off, recovered))


def arrears_of(account: LoanAccount) -> int:
    """Return what is past due of instalments, and of refunds owed back."""
    interest = max(0, account.interest_fallen_due(account.past) - account.interest_paid)
    owed_back = account.receivable if account.receivable_since < account.day else 0
    return account.late + interest + owed_back
