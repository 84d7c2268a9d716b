"""A bank that takes orders in files: an order waits for the next file, and for what the bank then says of it."""

from dataclasses import dataclass

from lending.domain.books.transfer import Pending
from lending.gateways.protocol import Order, Report


@dataclass(frozen=True, slots=True)
class BankFiles:
    """Takes every order; `lending.operations.bank_files` writes them to files, and takes the bank's answers."""

    def pay(self, order: Order) -> Pending:
        """Take a payout for the next file."""
        return Pending(order.key.hex)

    def collect(self, order: Order) -> Pending:
        """Take a direct debit for the next file."""
        return Pending(order.key.hex)

    def reports(self) -> tuple[Report, ...]:
        """Return nothing: a bank's files say what became of orders."""
        return ()

    def forget(self, report: Report) -> None:
        """Do nothing: there are no reports."""
