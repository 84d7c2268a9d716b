"""The gateways of this office."""

from collections.abc import Sequence
from typing import Final

from config.db.rows import select
from lending.domain.books.bank_profile import BankProfile, profile_of
from lending.domain.books.transfer import TransferKind
from lending.gateways.protocol import Gateway
from lending.gateways.registry import route, set_up
from lending.models import Bank, Loan
from lending.queries.balances import running_balance

BANKS: Final = "SELECT DISTINCT ON (b.name) {b} FROM lending_bank b ORDER BY b.name, b.id DESC"


def get_gateways() -> dict[str, Gateway]:
    """Return the gateways of this office by name; without any, money waits."""
    return set_up(balance_of=running_balance, banks=bank_profiles())


def bank_profiles() -> list[BankProfile]:
    """List the banks as they are used now, by name."""
    return [profile_of(bank.content) for (bank,) in select(BANKS, {}, b=Bank)]


def payout_route(loan: Loan) -> str:
    """Return the gateway of a new payout of a loan."""
    return route(TransferKind.PAYOUT, loan.currency, withholds=False, banks=bank_profiles())


def collection_routes(loan_ids: Sequence[int]) -> dict[str, list[int]]:
    """Divide loans by the gateway that they are collected through, in their order."""
    rows = Loan.objects.filter(pk__any_of=loan_ids).values_list("pk", "currency", "merchant__partner__withholds")
    banks, loans = bank_profiles(), {pk: (currency, withholds) for pk, currency, withholds in rows}
    names = {
        (currency, withholds): route(TransferKind.COLLECTION, currency, withholds=withholds, banks=banks)
        for currency, withholds in set(loans.values())
    }
    found = dict[str, list[int]]()
    for loan_id in loan_ids:
        found.setdefault(names[loans[loan_id]], []).append(loan_id)
    return found
