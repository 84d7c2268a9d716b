"""Write the frame of a plain-text journal, for beancount and for hledger: accounts, what is carried in, balances.

What each program misreads: beancount takes no underscore in an account, and a balance within twice half a unit of the
last digit for equal unless told `~ 0`; hledger takes one comma or point for a decimal mark, so none groups thousands.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.money import exponent_of, format_minor
from lending.domain.books.ledger import KINDS, Account, AccountKind

Balances = Mapping[tuple[str, Account], int]
"""Minor units by currency and account, debits positive."""

DAY: Final = timedelta(days=1)
ROOTS: Final = {
    AccountKind.ASSET: "Assets",
    AccountKind.EXPENSE: "Expenses",
    AccountKind.LIABILITY: "Liabilities",
    AccountKind.INCOME: "Income",
}


class Journal(StrEnum):
    """The programs that a journal is written for."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


def account_name(account: Account) -> str:
    """Return the name of an account in a journal, which both programs read: Assets:Interest-Receivable."""
    return f"{ROOTS[KINDS[account]]}:{account.replace('_', '-').title()}"


def head_of(journal: Journal, *, on: date, currencies: Iterable[str], carried: Balances) -> str:
    """Declare accounts and currencies, and carry in the balances before a date, on that date."""
    names = [account_name(account) for account in Account]
    if journal == Journal.BEANCOUNT:
        lines = ['option "title" "Tradeline"', *(f"{on} open {name}" for name in names)]
        first = f'{on} * "BALANCES CARRIED FORWARD"'
    else:
        lines = [f"commodity {_sample(currency)} {currency}" for currency in currencies]
        lines += [f"account {name}" for name in names]
        first = f"{on} BALANCES CARRIED FORWARD"
    if any(carried.values()):
        lines += ["", first, *(f"  {leg}" for leg in _legs(carried))]
    return "\n".join(lines) + "\n\n"


def tail_of(journal: Journal, *, through: date, balances: Balances) -> str:
    """Assert every balance after a date, exactly."""
    on, lines = through + DAY, list[str]()
    if journal == Journal.BEANCOUNT:
        for (currency, account), minor in balances.items():
            lines.append(f"{on} balance {account_name(account)}  {format_minor(minor, currency)} ~ 0 {currency}")
    elif balances:
        lines.append(f"{on} BALANCES")
        for (currency, account), minor in balances.items():
            nothing, asserted = format_minor(0, currency), format_minor(minor, currency)
            lines.append(f"  {account_name(account)}  {nothing} {currency} = {asserted} {currency}")
    return "".join(f"{line}\n" for line in lines)


def _legs(balances: Balances) -> list[str]:
    return [
        f"{account_name(account)}  {format_minor(minor, currency)} {currency}"
        for (currency, account), minor in balances.items()
        if minor
    ]


def _sample(currency: str) -> str:
    """Return an amount as hledger wants one declared: always with a decimal mark, then the currency's decimals."""
    return f"1000.{'0' * exponent_of(currency)}"
