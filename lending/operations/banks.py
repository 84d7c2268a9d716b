"""Enter how accounts at banks are used: versions are added, never changed."""

from datetime import datetime
from enum import StrEnum

from config.db.locking import lock_name
from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from lending.domain.books.bank_profile import BankProfile, canonical_profile
from lending.models import Bank
from lending.queries.gateways import bank_profiles


class BankEntryRefusal(StrEnum):
    """Why a valid profile is not entered."""

    ENTERED = "ENTERED"
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED"
    ACCOUNT_TAKEN = "ACCOUNT_TAKEN"
    CURRENCY_TAKEN = "CURRENCY_TAKEN"


class BankNotEntered(Refused[BankEntryRefusal]):
    """The profile was not entered."""


def enter_bank(*, profile: BankProfile, actor: Actor, now: datetime) -> Bank:
    """Enter how an account at a bank is used from now on. Raises BankNotEntered, Contended."""
    content, digest = canonical_profile(profile)
    with operation():
        lock_name("lending.banks")
        known = {bank.name: bank for bank in bank_profiles()}
        before = known.get(profile.name)
        if before == profile:
            raise BankNotEntered(BankEntryRefusal.ENTERED)
        if before is not None and (before.account, before.currency) != (profile.account, profile.currency):
            raise BankNotEntered(BankEntryRefusal.ACCOUNT_CHANGED)
        others = [bank for bank in known.values() if bank.name != profile.name]
        if any((bank.account, bank.currency) == (profile.account, profile.currency) for bank in others):
            raise BankNotEntered(BankEntryRefusal.ACCOUNT_TAKEN)
        if any(profile.competes_with(bank) for bank in others):
            raise BankNotEntered(BankEntryRefusal.CURRENCY_TAKEN)
        bank = Bank.objects.create(
            name=profile.name, sha256=digest, content=content, created_by=str(actor), created_at=now
        )
        record_event(
            name="lending.enter_bank",
            subject=bank,
            actor=actor,
            before={} if before is None else {"sha256": canonical_profile(before)[1]},
            after={"sha256": digest},
            now=now,
        )
        return bank
