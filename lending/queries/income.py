"""The income statement: what the ledger earned and lost in a period, beside what the loans say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Q, Sum

from lending.domain.books.ledger import (
    ACCRUAL,
    KINDS,
    NOTHING,
    PROVISION,
    RESULT_KINDS,
    Account,
    balances,
    shares_of_provisions,
)
from lending.domain.books.projection import position_after
from lending.models import Loan, Posting
from lending.queries.books import booked_loans
from lending.queries.loans import contracts_of
from lending.queries.provisions import provided_between

OF_LOANS: Final = tuple(account for account in balances(NOTHING) if KINDS[account] in RESULT_KINDS)
"""What follows from the events of a loan; what is provided does not."""
STATED: Final = (*OF_LOANS, *(account for account in shares_of_provisions(0) if KINDS[account] in RESULT_KINDS))
"""What is earned, lost and provided on loans; what banks charge is no loan's."""
NIGHTLY: Final = (ACCRUAL, PROVISION)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeLine:
    """An account in one currency over a period; minor units, income positive and losses negative.

    nights_minor: what nights accrued and provided; events_minor: what events moved. loans_minor: what the loans'
    events, as they are known now, make of the period; of provisions, what the rows of its months do. The two differ by
    what was booked for a day that was proven by then: the ledger has it on the first day that was not.
    """

    account: Account
    currency: str
    nights_minor: int
    events_minor: int
    loans_minor: int

    @property
    def ledger_minor(self) -> int:
        """What the ledger has in all."""
        return self.nights_minor + self.events_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanIncome:
    """What one loan earned and lost in a period, by account; minor units, as in a line."""

    loan: Loan
    minor: dict[Account, int]


def income_by_loan(first: date, last: date) -> Iterator[LoanIncome]:
    """Replay every loan, and yield those that earned or lost something in a period."""
    for loans in booked_loans():
        contracts = contracts_of(loans)
        for loan in loans:
            replayed = contracts[loan.pk].replayed()
            before = balances(position_after(replayed, first - timedelta(days=1)))
            after = balances(position_after(replayed, last))
            moved = {account: before[account] - after[account] for account in OF_LOANS}
            if any(moved.values()):
                yield LoanIncome(loan=loan, minor=moved)


def income_statement(first: date, last: date, *, loans: Iterator[LoanIncome]) -> list[IncomeLine]:
    """Return the lines of a period by currency, in the order of the chart; loans: those of the same period."""
    told = dict[tuple[str, Account], int]()
    for one in loans:
        for account, minor in one.minor.items():
            key = (one.loan.currency, account)
            told[key] = told.get(key, 0) + minor
    for currency, minor in provided_between(first, last).items():
        told[currency, Account.PROVISION_EXPENSE] = -minor
    booked = _booked(first, last)
    currencies = sorted({key[0] for key in told} | {key[0] for key in booked})
    return [
        IncomeLine(
            account=account,
            currency=currency,
            nights_minor=booked.get((currency, account, True), 0),
            events_minor=booked.get((currency, account, False), 0),
            loans_minor=told.get((currency, account), 0),
        )
        for currency in currencies
        for account in STATED
    ]


def _booked(first: date, last: date) -> dict[tuple[str, Account, bool], int]:
    """Sum what was credited less what was debited, by currency, account, and whether a night accrued it."""
    found = dict[tuple[str, Account, bool], int]()
    in_period = Posting.objects.filter(entry__effective_date__range=(first, last))
    for side, sign in (("debit", -1), ("credit", 1)):
        rows = in_period.filter(**{f"{side}__in": STATED}).values_list("currency", side)
        sums = rows.annotate(
            nights=Sum("amount_minor", filter=Q(entry__code__in=NIGHTLY), default=0),
            events=Sum("amount_minor", filter=~Q(entry__code__in=NIGHTLY), default=0),
        ).order_by()
        for currency, account, *parts in sums:
            for is_night, minor in zip((True, False), parts, strict=True):
                key = (currency, Account(account), is_night)
                found[key] = found.get(key, 0) + sign * minor
    return found
