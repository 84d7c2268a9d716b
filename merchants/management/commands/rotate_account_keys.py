"""Encrypt account numbers anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from merchants.models.payout_account import account_keys
from merchants.operations.account_keys import rotate_batch
from merchants.queries.payout_accounts import accounts_by_key


class Command(BaseCommand):
    """Encrypts the number of every payout account with the first of ACCOUNT_KEYS; may be stopped and run again."""

    help = "Encrypt the numbers of payout accounts with the first of ACCOUNT_KEYS, as the owner of the tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", action="store_true", help="only tell how many accounts are under which key")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        keys, found = account_keys(), accounts_by_key()
        for name, number in found.items():
            words = "" if name in keys.names else "   not in ACCOUNT_KEYS"
            self.stdout.write(f"{name:20}{number:>14,} accounts{words}")
        if missing := sorted(found.keys() - keys.names):
            message = f"ACCOUNT_KEYS lacks {', '.join(missing)}: what is under it cannot be read. Nothing was changed."
            raise CommandError(message)
        if not options["count"]:
            self._rotate(total=sum(found.values()) - found.get(keys.current, 0))

    def _rotate(self, *, total: int) -> None:
        last, done, unreadable = 0, 0, list[int]()
        while batch := rotate_batch(after=last, actor=SYSTEM, now=timezone.now()):
            last, done = batch.last, done + batch.accounts
            unreadable += batch.unreadable
            self.stdout.write(f"{done:,} of {total:,}, up to account {last}")
        keys = account_keys()
        if unreadable:
            message = f"The numbers of {len(unreadable)} accounts were changed or copied from others: {unreadable[:20]}"
            raise CommandError(message)
        others = ", ".join(sorted(keys.names - {keys.current}))
        self.stdout.write(f"Every account is under {keys.current}." + (f" {others} may be removed." if others else ""))
