"""The gateways there are: a new one is an entry here."""

from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings

from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.transfer import TransferKind
from lending.gateways.bank_files import BankFiles
from lending.gateways.bank_folders import BankFolders
from lending.gateways.loopback import Loopback
from lending.gateways.platform import Platform
from lending.gateways.protocol import Gateway

LOOPBACK: Final = "loopback"
PLATFORM: Final = "platform"


def set_up(*, balance_of: Callable[[int], int], banks: Iterable[BankProfile]) -> dict[str, Gateway]:
    """Return the gateways that this office has set up, by the name that its transfers carry.

    balance_of: what a merchant has left to collect from (minor units).
    """
    directory = settings.LOOPBACK_DIR
    loopback = {} if directory is None else {LOOPBACK: Loopback(directory=directory, balance_of=balance_of)}
    files = {bank.name: BankFiles() for bank in banks if folders_of(bank) is not None}
    return {**loopback, PLATFORM: Platform(), **files}


def folders_of(bank: BankProfile) -> BankFolders | None:
    """Return the folders of a bank; None where this office has none set up."""
    directory = settings.BANKS_DIR
    return None if directory is None else BankFolders(directory / bank.name)


def route(kind: TransferKind, currency: str, *, withholds: bool, banks: Iterable[BankProfile]) -> str:
    """Return the name of the gateway of a new transfer: the bank that moves its currency, or else the loopback.

    withholds: whether the merchant's platform collects what is due.
    """
    if kind is TransferKind.COLLECTION and withholds:
        return PLATFORM
    moves = [
        bank.name
        for bank in banks
        if bank.currency == currency and (bank.pays if kind is TransferKind.PAYOUT else bank.collects)
    ]
    return moves[0] if moves else LOOPBACK
