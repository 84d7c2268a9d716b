"""Charges that are known, fall due later, and may be paid before."""

from bisect import insort
from dataclasses import dataclass, field


@dataclass(slots=True)
class ChargesAhead:
    """The day of each, a number since 1970-01-01, and what is left of it in minor units; in the order of their days."""

    by_due: list[tuple[int, int]] = field(default_factory=list)

    def fork(self) -> "ChargesAhead":
        """Copy them, so that one of the two may continue."""
        return ChargesAhead([*self.by_due])

    def total(self) -> int:
        """Return what is left of all."""
        return sum(amount for _, amount in self.by_due)

    def due_on(self, day: int) -> int:
        """Return what is left of those that fall due on a day."""
        return sum(amount for due, amount in self.by_due if due == day)

    def due_within(self, after: int, until: int) -> int:
        """Return what is left of those that fall due after a day, up to another."""
        return sum(amount for due, amount in self.by_due if after < due <= until)

    def add(self, due: int, amount: int) -> None:
        """Add one."""
        insort(self.by_due, (due, amount))

    def pay(self, amount: int, *, last_first: bool) -> None:
        """Pay an amount, at most the total, the next ones first or the last ones."""
        while amount:
            place = -1 if last_first else 0
            due, left = self.by_due[place]
            paid = min(amount, left)
            amount -= paid
            self.by_due[place] = due, left - paid
            if paid == left:
                del self.by_due[place]

    def take_due(self, day: int) -> list[tuple[int, int]]:
        """Remove and return those that have fallen due by a day."""
        fallen = [one for one in self.by_due if one[0] <= day]
        del self.by_due[: len(fallen)]
        return fallen
