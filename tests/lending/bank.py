"""A bank in the test's own process: it does a key at most once, and answers as the test wants."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from lending.domain.books.transfer import Answer, Moved, Nothing, Pending
from lending.gateways.protocol import NoAnswer, Order, Report
from lending.gateways.registry import LOOPBACK


class Bank:
    """Moves what it is asked for.

    silent: it answers nobody; mute: not these keys; slow: it takes orders, and reports later what became of them.
    moved: minor units by key. asked: every key, as often as it was asked.
    """

    def __init__(self) -> None:
        self.silent = self.slow = False
        self.mute = set[UUID]()
        self.moved = dict[UUID, int]()
        self.asked = list[UUID]()
        self.to_report = list[Report]()

    @property
    def gateways(self) -> dict[str, "Bank"]:
        return {LOOPBACK: self}

    def pay(self, order: Order) -> Answer:
        return self._do(order)

    def collect(self, order: Order) -> Answer:
        return self._do(order)

    def reports(self) -> Iterable[Report]:
        outside_transactions()
        return list(self.to_report)

    def forget(self, report: Report) -> None:
        outside_transactions()
        self.to_report.remove(report)

    def report(self, key: UUID, answer: Moved | Nothing) -> None:
        """Say later what became of an order."""
        self.to_report.append(Report(key, answer))

    def _do(self, order: Order) -> Answer:
        outside_transactions()
        self.asked.append(order.key)
        if self.silent or order.key in self.mute:
            raise NoAnswer
        if self.slow:
            return Pending(f"ref-{len(self.asked)}")
        return Moved(self.moved.setdefault(order.key, order.amount.minor))


def outside_transactions() -> None:
    """A bank takes its time: nobody may hold a row meanwhile."""
    assert not connection.in_atomic_block, "a bank was asked inside a transaction"
