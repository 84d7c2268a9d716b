"""The marketplace itself collects: it withholds what is due from what it settles to the merchant."""

from dataclasses import dataclass

from lending.domain.books.transfer import Nothing, Pending
from lending.gateways.protocol import Order, Report


@dataclass(frozen=True, slots=True)
class Platform:
    """Takes every collection; the partner's system fetches them over REST, and posts what it withheld."""

    def pay(self, order: Order) -> Nothing:
        """Refuse: a platform pays nobody out."""
        return Nothing(f"the platform pays nobody out: {order.key}")

    def collect(self, order: Order) -> Pending:
        """Take a collection for the partner to fetch."""
        return Pending(order.key.hex)

    def reports(self) -> tuple[Report, ...]:
        """Return nothing: the partner's system posts its results."""
        return ()

    def forget(self, report: Report) -> None:
        """Do nothing: there are no reports."""
