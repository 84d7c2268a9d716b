"""The gateways there are: a new one is an entry here."""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from lending.domain.books.transfer import TransferKind
from lending.gateways.loopback import Loopback
from lending.gateways.protocol import Gateway

LOOPBACK: Final = "loopback"
ROUTES: Final = {TransferKind.PAYOUT: LOOPBACK, TransferKind.COLLECTION: LOOPBACK}
"""The gateway of a new transfer, by its kind."""


def set_up(*, balance_of: Callable[[int], int]) -> dict[str, Gateway]:
    """Return the gateways that this office has set up, by the name that its transfers carry.

    balance_of: what a merchant has left to collect from (minor units).
    """
    directory = settings.LOOPBACK_DIR
    return {} if directory is None else {LOOPBACK: Loopback(directory=directory, balance_of=balance_of)}
