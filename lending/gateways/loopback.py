"""A gateway that stands in for a bank: it moves no money, and answers at once."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lending.domain.books.transfer import Moved, Nothing
from lending.gateways.protocol import Order, Report


@dataclass(frozen=True, slots=True)
class Loopback:
    """Remembers orders as a bank would: one file a key, executed at once or not at all.

    `balance_of` returns what a merchant has left to collect from (minor units).
    """

    directory: Path
    balance_of: Callable[[int], int]

    def pay(self, order: Order) -> Moved | Nothing:
        """Pay in full."""
        return self._once(order, lambda: order.amount.minor)

    def collect(self, order: Order) -> Moved | Nothing:
        """Collect the amount, or what the merchant has left if that is less."""
        return self._once(order, lambda: max(0, min(order.amount.minor, self.balance_of(order.merchant_id))))

    def reports(self) -> tuple[Report, ...]:
        """Return nothing: every answer came at once."""
        return ()

    def forget(self, report: Report) -> None:
        """Do nothing: there are no reports."""

    def _once(self, order: Order, moved: Callable[[], int]) -> Moved | Nothing:
        kept = self.directory / str(order.key)
        if not kept.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            draft = kept.with_suffix(f".{os.getpid()}")
            draft.write_text(str(moved()), encoding="ascii")
            with suppress(FileExistsError):  # someone asked at the same time: the first answer holds
                os.link(draft, kept)
            draft.unlink()
        amount = int(kept.read_text(encoding="ascii"))
        words = "" if amount == order.amount.minor else "not enough funds"
        return Moved(amount, words) if amount else Nothing(words)
