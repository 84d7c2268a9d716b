"""Keep the equal instalment: what interest really accrues moves the principal of the rows to come, not their totals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from config.kernel.money import allocate
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import Prepayment


@dataclass(slots=True, kw_only=True)
class KeptInstalments:
    """What falls due with each row, interest and principal together, and what was paid of them before; minor units.

    totals: as drawn. interest, principal: paid in advance.
    """

    totals: list[int]
    interest: list[int]
    principal: list[int]

    @classmethod
    def of(cls, schedule: Sequence[Instalment]) -> Self:
        """Keep the totals of a schedule that was just drawn."""
        rows = len(schedule)
        totals = [row.principal_minor + row.interest_minor for row in schedule]
        return cls(totals=totals, interest=[0] * rows, principal=[0] * rows)

    def fork(self) -> "KeptInstalments":
        """Copy them, so that one of the two may continue."""
        return KeptInstalments(totals=[*self.totals], interest=[*self.interest], principal=[*self.principal])

    def redrawn(self, fallen: int, *, added: int, totals: Sequence[int]) -> "KeptInstalments":
        """Return other totals for the rows to come; what was paid of them in advance stays paid.

        fallen: so many rows fell due before. added: so many fall due today, after those.
        """
        new = [0] * added
        return KeptInstalments(
            totals=[*self.totals[:fallen], *new, *totals],
            interest=[*self.interest[:fallen], *new, *self.interest[fallen:]],
            principal=[*self.principal[:fallen], *new, *self.principal[fallen:]],
        )

    def last_left(self) -> int:
        """Return the last row with something left of its total, or else the first."""
        return next((row for row in range(len(self.totals) - 1, 0, -1) if self.left(row)), 0)

    def split(self, row: int, *, interest: int, balance: int, last: int) -> tuple[int, int]:
        """Return which interest and principal fall due with a row: of the interest first.

        interest: what accrued to its date and fell due with no row before it. balance: the principal that it and the
        rows after it repay. last: the last row with something left of its total: from it on all principal falls due;
        the last row of all takes all interest.
        """
        falls_due = interest if row == len(self.totals) - 1 else min(interest, self.left(row))
        return falls_due, balance if row >= last else min(self.left(row) - falls_due, balance)

    def pay(self, rows: Sequence[int], *, interest: int, principal: int, rule: Prepayment) -> None:
        """Pay rows to come in advance: the next or the last first, each in whole before another; or all evenly."""
        match rule:
            case Prepayment.NEXT:
                self._pay_in_order(rows, interest, principal)
            case Prepayment.LAST:
                self._pay_in_order(rows[::-1], interest, principal)
            case Prepayment.PRO_RATA:
                self._pay_evenly(rows, interest, principal)

    def _pay_in_order(self, rows: Sequence[int], interest: int, principal: int) -> None:
        """Pay one row after another; the last takes what is left."""
        for row in rows:
            paid = min(interest, self.left(row))
            self.interest[row] += paid
            interest -= paid
            repaid = min(principal, self.left(row))
            self.principal[row] += repaid
            principal -= repaid
        self.interest[rows[-1]] += interest
        self.principal[rows[-1]] += principal

    def _pay_evenly(self, rows: Sequence[int], interest: int, principal: int) -> None:
        """Pay each row by its share of what is left of all, or the last if nothing is; the interest with the first."""
        self.interest[rows[0]] += interest
        sizes = [self.left(row) for row in rows]
        parts = allocate(principal, sizes) if any(sizes) else [*sizes[1:], principal]
        for row, part in zip(rows, parts, strict=True):
            self.principal[row] += part

    def shown(self, row: Instalment, *, interest: int, principal: int) -> Instalment:
        """Return a row with what was paid of it in advance and what falls due with it."""
        at = row.no - 1
        return row._replace(interest_minor=self.interest[at] + interest, principal_minor=self.principal[at] + principal)

    def left(self, row: int) -> int:
        """Return what was not paid in advance of a row's total."""
        return max(0, self.totals[row] - self.interest[row] - self.principal[row])
