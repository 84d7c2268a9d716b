"""Send money to merchants and fetch it from them: what a gateway must do, and one that stands in for a bank.

A gateway does a key at most once, whoever asks and how often: so to send again is to ask what became of it. Its
answers are untrusted: what they say is checked before it is believed.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from config.kernel.money import Money


class NoAnswer(Exception):
    """The gateway did not say whether the money moved: it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Hold what a gateway is asked: an amount, the merchant, the account it goes to or comes from, and the key."""

    key: UUID
    amount: Money
    merchant_id: int
    account_number: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a gateway says: how much moved (minor units), and its words if that is less than all."""

    moved_minor: int
    words: str = ""


class Gateway(Protocol):
    """Move money to merchants and from them."""

    def pay(self, order: Order) -> Answer:
        """Move the whole amount, or nothing. Raises NoAnswer."""

    def collect(self, order: Order) -> Answer:
        """Move as much of the amount as there is. Raises NoAnswer."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """Move no money, and remember what was asked, as a bank would: one file a key, made at once or not at all.

    `balance_of` tells what a merchant has left to collect from (minor units).
    """

    directory: Path
    balance_of: Callable[[int], int]

    def pay(self, order: Order) -> Answer:
        """Pay in full."""
        return self._once(order, lambda: order.amount.minor)

    def collect(self, order: Order) -> Answer:
        """Give the amount, or what the merchant has left if that is less."""
        return self._once(order, lambda: max(0, min(order.amount.minor, self.balance_of(order.merchant_id))))

    def _once(self, order: Order, moved: Callable[[], int]) -> Answer:
        kept = self.directory / str(order.key)
        if not kept.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            draft = kept.with_suffix(f".{os.getpid()}")
            draft.write_text(str(moved()), encoding="ascii")
            with suppress(FileExistsError):  # someone asked at the same time: the first answer holds
                os.link(draft, kept)
            draft.unlink()
        amount = int(kept.read_text(encoding="ascii"))
        return Answer(moved_minor=amount, words="" if amount == order.amount.minor else "not enough funds")
