"""Encrypt the numbers of payout accounts anew, as the owner of the tables: the application's role may not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connections, transaction

from config.db.encryption import Encrypted, TextUnreadable
from config.db.transactions import operation
from config.office.actors import Actor
from config.office.events import record_event
from merchants.models import PayoutAccount
from merchants.models.payout_account import account_keys, owner_of

OWNER: Final = "owner"
"""The alias of the connection."""
BATCH: Final = 2_000
WRITE: Final = """
UPDATE merchants_payoutaccount a SET number_key = %s, sealed_number = n.sealed, number_index = n.index
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) n (id, sealed, index) WHERE n.id = a.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What became of a batch: its last account, how many were encrypted anew, and whose numbers cannot be read."""

    last: int
    accounts: int
    unreadable: Sequence[int]


def rotate_batch(*, after: int, actor: Actor, now: datetime) -> Rotated | None:
    """Encrypt some numbers that are under another key with the first one; None if none is left behind `after`.

    What is done stays done, whatever ends the rotation. Raises KeyMissing.
    """
    keys = account_keys()
    with transaction.atomic(using=OWNER):
        others = PayoutAccount.objects.using(OWNER).filter(pk__gt=after).exclude(number_key=keys.current)
        accounts = list(others.lock()[:BATCH])
        if not accounts:
            return None
        kept, unreadable = dict[int, Encrypted](), list[int]()
        for account in accounts:
            try:
                kept[account.pk] = keys.encrypt(account.number, owner=owner_of(account.merchant_id))
            except TextUnreadable:
                unreadable.append(account.pk)
        sealed, indexes = [one.sealed for one in kept.values()], [one.index for one in kept.values()]
        with connections[OWNER].cursor() as cursor:
            cursor.execute(WRITE, [keys.current, list(kept), sealed, indexes])
    before = sorted({account.number_key for account in accounts})
    with operation():
        record_event(
            name="merchants.rotate_account_keys",
            subject=accounts[-1],
            actor=actor,
            before={"keys": ", ".join(before)},
            after={"keys": keys.current, "first": accounts[0].pk, "accounts": len(kept)},
            now=now,
        )
    return Rotated(last=accounts[-1].pk, accounts=len(kept), unreadable=unreadable)
