"""What it costs that the numbers of payout accounts are kept encrypted."""

from contextlib import redirect_stdout
from io import StringIO
from operator import attrgetter

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from config.office.actors import SYSTEM
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, PayoutAccount
from merchants.models.payout_account import account_keys, owner_of
from merchants.operations.partners import enter_partner
from tests.benchmarks.results import Result, say, timed

ACCOUNTS = 10_000
A_ROUND = 100  # loans that are collected together
TIMES = 3


def accounts() -> Result:
    """Read accounts with their numbers, as rounds of collections do; beside the same reads with a plain column."""
    partner = enter_partner(
        code="bazaar", name="Bazaar", settlement=Settlement.IMMEDIATE, actor=SYSTEM, now=timezone.now()
    )
    shops = [
        Merchant(partner=partner, external_id=f"shop-{number}", name=f"Shop {number}", currency="EUR")
        for number in range(ACCOUNTS)
    ]
    merchants = Merchant.objects.bulk_create(shops, batch_size=1_000)
    rows = PayoutAccount.objects.bulk_create((made(one, f"DE{one.pk:020}") for one in merchants), batch_size=1_000)
    ids = [row.pk for row in rows]
    plain = timed(lambda: read(ids, "holder"), times=TIMES)
    decrypted = timed(lambda: read(ids, "number"), times=TIMES)
    settings.ACCOUNT_KEYS = (("new", b"n" * 32), *settings.ACCOUNT_KEYS)
    with redirect_stdout(StringIO()):
        rotated = timed(lambda: call_command("rotate_account_keys"))
    say(f"\nPayout accounts: {ACCOUNTS:,}, read by {A_ROUND}, best of {TIMES}")
    say("read, a plain column of each", plain, accounts=ACCOUNTS)
    say("read, the number of each decrypted", decrypted, accounts=ACCOUNTS)
    say("encrypted anew under another key", rotated, accounts=ACCOUNTS)
    return Result(ratio=decrypted / plain, rival="time of the same reads of a plain column")


def made(merchant: Merchant, number: str) -> PayoutAccount:
    kept = account_keys().encrypt(number, owner=owner_of(merchant.pk))
    return PayoutAccount(
        merchant=merchant,
        number_key=kept.key,
        sealed_number=kept.sealed,
        number_index=kept.index,
        holder=merchant.name,
        merchant_name=merchant.name,
        state="PENDING",
        entered_by=str(SYSTEM),
        entered_at=timezone.now(),
    )


def read(ids: list[int], name: str) -> list[str]:
    value, found = attrgetter(name), list[str]()
    for start in range(0, len(ids), A_ROUND):
        found += map(value, PayoutAccount.objects.filter(pk__in=ids[start : start + A_ROUND]))
    return found


WORKLOADS = {"accounts": accounts}
