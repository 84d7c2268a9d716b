"""Derive a loan's account balances from its position, and the postings between two positions.

A loan's share of every account is a function of its position, and its postings are the difference of two positions:
so a repayment, a reversal and a back-dated event are booked by the same few lines, and every account can be proven
as the sum over all loans of what `replay` gives for each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from lending.domain.contract.events import EventType


class AccountKind(StrEnum):
    """The kinds of accounts; the first two have debit balances, the others credit balances."""

    ASSET = "ASSET"
    EXPENSE = "EXPENSE"
    LIABILITY = "LIABILITY"
    INCOME = "INCOME"


RESULT_KINDS: Final = (AccountKind.INCOME, AccountKind.EXPENSE)
"""Of what is earned and lost, in the order in which a statement has them."""


class Account(StrEnum):
    """The accounts, one of each in every currency."""

    PRINCIPAL = "PRINCIPAL"
    INTEREST_RECEIVABLE = "INTEREST_RECEIVABLE"
    PENALTY_RECEIVABLE = "PENALTY_RECEIVABLE"
    FEE_RECEIVABLE = "FEE_RECEIVABLE"
    COLLECTION_CLEARING = "COLLECTION_CLEARING"
    PAYOUT_CLEARING = "PAYOUT_CLEARING"
    MERCHANT_CREDIT = "MERCHANT_CREDIT"
    INTEREST_INCOME = "INTEREST_INCOME"
    PENALTY_INCOME = "PENALTY_INCOME"
    FEE_INCOME = "FEE_INCOME"
    MERCHANT_RECEIVABLE = "MERCHANT_RECEIVABLE"
    RECOVERIES = "RECOVERIES"
    WAIVERS = "WAIVERS"
    WRITE_OFFS = "WRITE_OFFS"
    BANK = "BANK"
    SUSPENSE = "SUSPENSE"
    BANK_CHARGES = "BANK_CHARGES"
    FUNDING = "FUNDING"
    PROVISION = "PROVISION"
    PROVISION_EXPENSE = "PROVISION_EXPENSE"


ACCRUAL: Final = "ACCRUAL"
"""The code of an entry that books what a loan earned."""
OPENING: Final = "OPENING"
"""The code of the entry that brings an imported loan in."""
PROVISION: Final = "PROVISION"
"""The code of an entry that books by how much the provisions for loans of a product changed in a month."""
STATEMENT: Final = "STATEMENT"
"""The code of an entry that books a statement of a bank."""
RESOLUTION: Final = "RESOLUTION"
"""The code of an entry that books what a line in suspense turned out to be."""
ENTRY_CODES: Final = (ACCRUAL, OPENING, PROVISION, STATEMENT, RESOLUTION, *(kind.name for kind in EventType))
"""Every other books what an event of a loan moved, and has its name."""


KINDS: Final[Mapping[Account, AccountKind]] = MappingProxyType(
    {
        Account.PRINCIPAL: AccountKind.ASSET,
        Account.INTEREST_RECEIVABLE: AccountKind.ASSET,
        Account.PENALTY_RECEIVABLE: AccountKind.ASSET,
        Account.FEE_RECEIVABLE: AccountKind.ASSET,
        Account.COLLECTION_CLEARING: AccountKind.ASSET,
        Account.PAYOUT_CLEARING: AccountKind.ASSET,
        Account.MERCHANT_CREDIT: AccountKind.LIABILITY,
        Account.INTEREST_INCOME: AccountKind.INCOME,
        Account.PENALTY_INCOME: AccountKind.INCOME,
        Account.FEE_INCOME: AccountKind.INCOME,
        Account.MERCHANT_RECEIVABLE: AccountKind.ASSET,
        Account.RECOVERIES: AccountKind.INCOME,
        Account.WAIVERS: AccountKind.EXPENSE,
        Account.WRITE_OFFS: AccountKind.EXPENSE,
        Account.PROVISION: AccountKind.ASSET,  # taken off what is owned: its balance is a credit
        Account.PROVISION_EXPENSE: AccountKind.EXPENSE,
        Account.BANK: AccountKind.ASSET,
        Account.SUSPENSE: AccountKind.LIABILITY,
        Account.BANK_CHARGES: AccountKind.EXPENSE,
        Account.FUNDING: AccountKind.LIABILITY,
    }
)
ACCRUALS: Final = (
    ("interest_minor", Account.INTEREST_RECEIVABLE, Account.INTEREST_INCOME),
    ("penalty_minor", Account.PENALTY_RECEIVABLE, Account.PENALTY_INCOME),
    ("fees_minor", Account.FEE_RECEIVABLE, Account.FEE_INCOME),
)
"""What is earned: from the receivable to the income, whatever was paid meanwhile."""
WRITTEN_OFF: Final = (
    ("principal_written_off_minor", Account.PRINCIPAL),
    ("interest_written_off_minor", Account.INTEREST_RECEIVABLE),
    ("penalty_written_off_minor", Account.PENALTY_RECEIVABLE),
    ("fees_written_off_minor", Account.FEE_RECEIVABLE),
)
"""What left the loan without money: off the receivable, whatever was paid in the same entry."""


class Position(NamedTuple):
    """What happened to a loan up to a date, in minor units.

    disbursed, repaid and refunded are money that moved; interest, penalty and fees what was earned to date;
    principal and credit what is outstanding and held; receivable what was refunded and is owed back. *_written_off left
    the loan without money; of all that, waived is not owed any more, and recovered was paid of the rest.
    """

    disbursed_minor: int = 0
    repaid_minor: int = 0
    refunded_minor: int = 0
    principal_minor: int = 0
    interest_minor: int = 0
    interest_paid_minor: int = 0
    penalty_minor: int = 0
    penalty_paid_minor: int = 0
    fees_minor: int = 0
    fees_paid_minor: int = 0
    credit_minor: int = 0
    receivable_minor: int = 0
    principal_written_off_minor: int = 0
    interest_written_off_minor: int = 0
    penalty_written_off_minor: int = 0
    fees_written_off_minor: int = 0
    waived_minor: int = 0
    recovered_minor: int = 0

    @property
    def interest_open_minor(self) -> int:
        """Interest to date that is neither paid nor written off."""
        return self.interest_minor - self.interest_paid_minor - self.interest_written_off_minor

    @property
    def penalty_open_minor(self) -> int:
        """Penalty to date that is neither paid nor written off."""
        return self.penalty_minor - self.penalty_paid_minor - self.penalty_written_off_minor

    @property
    def fees_open_minor(self) -> int:
        """Fees that are neither paid nor written off."""
        return self.fees_minor - self.fees_paid_minor - self.fees_written_off_minor

    @property
    def lost_minor(self) -> int:
        """What was written off, less what was waived: the lender's claim, before what was recovered of it."""
        earned = self.interest_written_off_minor + self.penalty_written_off_minor + self.fees_written_off_minor
        return self.principal_written_off_minor + earned - self.waived_minor

    @property
    def owed_minor(self) -> int:
        """What closes the loan on its date; credit is not netted."""
        earned = self.interest_open_minor + self.penalty_open_minor + self.fees_open_minor
        return self.principal_minor + earned + self.lost_minor - self.recovered_minor + self.receivable_minor


POSITION_FIELDS: Final = Position._fields
NOTHING: Final = Position()


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting: an amount above 0, in minor units, debited to one account and credited to another."""

    debit: Account
    credit: Account
    amount_minor: int


def balances(position: Position) -> dict[Account, int]:
    """Return the loan's share of each account that loans have, debits positive; those of one loan add up to 0.

    What is provided for it does not follow from its position: see `shares_of_provisions`.
    """
    return {
        Account.PRINCIPAL: position.principal_minor,
        Account.INTEREST_RECEIVABLE: position.interest_open_minor,
        Account.PENALTY_RECEIVABLE: position.penalty_open_minor,
        Account.FEE_RECEIVABLE: position.fees_open_minor,
        Account.COLLECTION_CLEARING: position.repaid_minor,
        Account.PAYOUT_CLEARING: -position.disbursed_minor - position.refunded_minor,
        Account.MERCHANT_CREDIT: -position.credit_minor,
        Account.INTEREST_INCOME: -position.interest_minor,
        Account.PENALTY_INCOME: -position.penalty_minor,
        Account.FEE_INCOME: -position.fees_minor,
        Account.MERCHANT_RECEIVABLE: position.receivable_minor,
        Account.RECOVERIES: -position.recovered_minor,
        Account.WAIVERS: position.waived_minor,
        Account.WRITE_OFFS: position.lost_minor,
    }


def shares_of_provisions(minor: int) -> dict[Account, int]:
    """Return what provisions of so many minor units come to in the accounts, debits positive."""
    return {Account.PROVISION: -minor, Account.PROVISION_EXPENSE: minor}


def provision_movements(minor: int) -> tuple[Movement, ...]:
    """Return the posting that raises provisions by an amount, or lowers them if it is below 0."""
    if not minor:
        return ()
    sides = (Account.PROVISION_EXPENSE, Account.PROVISION)
    debit, credit = sides if minor > 0 else sides[::-1]
    return (Movement(debit, credit, abs(minor)),)


def total(positions: Iterable[Position]) -> Position:
    """Sum positions."""
    found = list(positions)
    return Position(**{name: sum(getattr(position, name) for position in found) for name in POSITION_FIELDS})


def movements(before: Position, after: Position) -> tuple[Movement, ...]:
    """Return the postings that lead from one position to the other: first what was earned and lost, then what moved.

    Raises ValueError for a position whose shares do not add up to 0.
    """
    earned: list[Movement] = []
    had = balances(before)
    open_shares = {account: share - had[account] for account, share in balances(after).items()}
    for name, receivable, income in ACCRUALS:
        amount = getattr(after, name) - getattr(before, name)
        open_shares[receivable] -= amount
        open_shares[income] += amount
        if amount:
            debit, credit = (receivable, income) if amount > 0 else (income, receivable)
            earned.append(Movement(debit, credit, abs(amount)))
    lost = _losses(before, after)
    for one in lost:
        open_shares[one.debit] -= one.amount_minor
        open_shares[one.credit] += one.amount_minor
    if sum(open_shares.values()):
        message = f"the shares of {after} do not add up"
        raise ValueError(message)
    return (*earned, *lost, *_matched(open_shares))


def _losses(before: Position, after: Position) -> list[Movement]:
    """Return the postings of what left the loan without money, part by part, where all of it was lost in one way."""
    waived = after.waived_minor - before.waived_minor
    parts = {account: getattr(after, name) - getattr(before, name) for name, account in WRITTEN_OFF}
    if waived not in {0, sum(parts.values())}:
        return []
    loss = Account.WAIVERS if waived else Account.WRITE_OFFS
    return [
        Movement(loss, account, minor) if minor > 0 else Movement(account, loss, -minor)
        for account, minor in parts.items()
        if minor
    ]


def _matched(shares: Mapping[Account, int]) -> list[Movement]:
    """Pair debits with credits, in the order of the accounts."""
    debits = [(account, share) for account, share in shares.items() if share > 0]
    credits_ = [(account, -share) for account, share in shares.items() if share < 0]
    found = []
    while debits and credits_:
        (debit, debited), (credit, credited) = debits.pop(0), credits_.pop(0)
        amount = min(debited, credited)
        found.append(Movement(debit, credit, amount))
        if debited > amount:
            debits.insert(0, (debit, debited - amount))
        if credited > amount:
            credits_.insert(0, (credit, credited - amount))
    return found
