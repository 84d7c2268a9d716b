"""What a gateway must do: send money to merchants, collect from them, and report what it learns later.

A gateway executes a key at most once, whoever asks and how often: so sending again asks what became of it. Its
answers are untrusted: they are checked before they are believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from config.kernel.money import Money
from lending.domain.books.transfer import Answer, Moved, Nothing


class NoAnswer(Exception):
    """The gateway did not say whether the money moved: it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to a gateway: an amount, the merchant, the account it goes to or comes from, and the key."""

    key: UUID
    amount: Money
    merchant_id: int
    account_number: str = field(repr=False)  # no log shows it
    holder: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an order that was pending, by its key."""

    key: UUID
    answer: Moved | Nothing


class Gateway(Protocol):
    """Moves money to and from merchants."""

    def pay(self, order: Order) -> Answer:
        """Move the whole amount, or nothing. Raises NoAnswer."""

    def collect(self, order: Order) -> Answer:
        """Move as much of the amount as there is. Raises NoAnswer."""

    def reports(self) -> Iterable[Report]:
        """Return what became of pending orders, each again until it is forgotten. Raises NoAnswer."""

    def forget(self, report: Report) -> None:
        """Stop returning a report, which is recorded."""
