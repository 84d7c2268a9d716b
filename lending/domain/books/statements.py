"""What the lines of a trial balance come to: the income of a period, and what is owned and owed after it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lending.domain.books.ledger import KINDS, RESULT_KINDS, Account, AccountKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLine:
    """An account in one currency over a period; minor units. The balances have debits positive."""

    account: Account
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int

    @property
    def closing_minor(self) -> int:
        """How it stands after the period."""
        return self.opening_minor + self.debit_minor - self.credit_minor


Stated = tuple[TrialLine, int]
"""A line with its figure in a statement, in minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeStatement:
    """What one currency earned in a period: income first, then expenses, which are negative."""

    lines: Sequence[Stated]

    @property
    def result_minor(self) -> int:
        """Income less expenses."""
        return sum(minor for _line, minor in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheet:
    """How one currency stands after a day: what is owned, what is owed, and all that was earned to date."""

    assets: Sequence[Stated]
    liabilities: Sequence[Stated]
    result_minor: int

    @property
    def assets_minor(self) -> int:
        """What is owned in all."""
        return sum(minor for _line, minor in self.assets)

    @property
    def liabilities_minor(self) -> int:
        """What is owed in all; with the result it comes to the assets."""
        return sum(minor for _line, minor in self.liabilities)


def income_statement_of(lines: Sequence[TrialLine]) -> IncomeStatement:
    """State the income of a period from its trial balance in one currency."""
    earned = [(line, line.credit_minor - line.debit_minor) for line in lines if KINDS[line.account] in RESULT_KINDS]
    return IncomeStatement(lines=sorted(earned, key=lambda stated: RESULT_KINDS.index(KINDS[stated[0].account])))


def balance_sheet_of(lines: Sequence[TrialLine]) -> BalanceSheet:
    """Draw up the balance sheet of one currency from its trial balance."""
    of_kind = {kind: [line for line in lines if KINDS[line.account] is kind] for kind in AccountKind}
    return BalanceSheet(
        assets=[(line, line.closing_minor) for line in of_kind[AccountKind.ASSET]],
        liabilities=[(line, -line.closing_minor) for line in of_kind[AccountKind.LIABILITY]],
        result_minor=-sum(line.closing_minor for kind in RESULT_KINDS for line in of_kind[kind]),
    )
