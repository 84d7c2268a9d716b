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

import structlog

from config.kernel.money import Money
from lending.domain.books.transfer import SILENCES

log = structlog.get_logger(__name__)


class NoAnswer(Exception):
    """The gateway did not say whether the money moved: it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a gateway is asked: an amount, the merchant, the account it goes to or comes from, and the key."""

    key: UUID
    amount: Money
    merchant_id: int
    account_number: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a gateway says: how much moved (minor units), and its words if that is less than all."""

    moved_minor: int
    words: str = ""


class Gateway(Protocol):
    """Move money to merchants and from them."""

    def pay(self, order: Order) -> Answer:
        """Move the whole amount, or nothing. Raises NoAnswer."""

    def collect(self, order: Order) -> Answer:
        """Move as much of the amount as there is. Raises NoAnswer."""


@dataclass(slots=True)
class Breaker:
    """Stand before a gateway while somebody works through a list; `silences`: without an answer so far, in a row.

    An order without an answer may have been done: nobody knows, and it is asked for again.
    """

    gateway: Gateway
    silences: int = 0

    @property
    def is_down(self) -> bool:
        """Say whether to stop asking: what is left is for the next sweep."""
        return self.silences >= SILENCES

    def give_one_more(self) -> None:
        """Allow one order to a gateway that was down: whether it answers again, somebody must find out."""
        self.silences = SILENCES - 1

    def pay(self, order: Order) -> Answer | None:
        """Move the whole amount, or nothing; None if there is no answer."""
        return self._ask(self.gateway.pay, order)

    def collect(self, order: Order) -> Answer | None:
        """Move as much of the amount as there is; None if there is no answer."""
        return self._ask(self.gateway.collect, order)

    def _ask(self, call: Callable[[Order], Answer], order: Order) -> Answer | None:
        try:
            answer = call(order)
        except (NoAnswer, OSError, ValueError) as error:  # silent, out of reach, or not to be understood
            self.silences += 1
            log.warning("gateway_silent", key=str(order.key), in_a_row=self.silences, error=repr(error))
            return None
        self.silences = 0
        return answer


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
