"""Stop asking a gateway that does not answer."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from lending.domain.books.transfer import SILENCES, Answer
from lending.gateways.protocol import Gateway, NoAnswer, Order

log = structlog.get_logger(__name__)
SILENT = (NoAnswer, OSError, ValueError)
"""Silent, out of reach, or not to be understood."""


@dataclass(slots=True)
class Breaker:
    """Guards a gateway while a list is worked through; `silences`: orders without an answer so far, in a row.

    An order without an answer may have been executed: nobody knows, and it is asked for again.
    """

    name: str
    gateway: Gateway
    silences: int = 0

    @property
    def is_down(self) -> bool:
        """Whether to stop asking: what is left is for the next sweep."""
        return self.silences >= SILENCES

    def give_one_more(self) -> None:
        """Allow one order to a gateway that was down, to find out whether it answers again."""
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
        except SILENT as error:
            self.silences += 1
            log.warning("gateway_silent", gateway=self.name, key=str(order.key), error=repr(error))
            return None
        self.silences = 0
        return answer
