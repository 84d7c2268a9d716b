"""Encrypt account numbers, and the bank files that hold them, anew."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.declarations import Sealed
from config.office.actors import SYSTEM
from config.office.signatures import enter_keys
from merchants.models.payout_account import account_keys
from merchants.operations.account_keys import OWNER, model_of, rotate_batch, rows_by_key


class Command(BaseCommand):
    """Encrypts what is under another key with the first of ACCOUNT_KEYS, and lets it alone sign; may be run again."""

    help = (
        "Encrypt the numbers of payout accounts and statement lines, and bank files, with the first of ACCOUNT_KEYS, "
        "as the owner of the tables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", action="store_true", help="only tell how much is under which key")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        keys = account_keys()
        found = [(part, rows_by_key(part)) for part in settings.DECLARED.sealed]
        missing = set[str]()
        for part, counted in found:
            for name, number in counted.items():
                words = "" if name in keys.names else "   not in ACCOUNT_KEYS"
                self.stdout.write(f"{name:20}{number:>14,} {_named(part)}{words}")
            missing |= counted.keys() - keys.names
        if missing:
            lacks = ", ".join(sorted(missing))
            message = f"ACCOUNT_KEYS lacks {lacks}: what is under it cannot be read. Nothing was changed."
            raise CommandError(message)
        if options["count"]:
            return
        unreadable = list[str]()
        for part, counted in found:
            unreadable += self._rotate(part, total=sum(counted.values()) - counted.get(keys.current, 0))
        if unreadable:
            message = f"{len(unreadable)} were changed or copied from others: {', '.join(unreadable[:20])}"
            raise CommandError(message)
        enter_keys(using=OWNER, only_first=True)
        others = ", ".join(sorted(keys.names - {keys.current}))
        self.stdout.write(f"All is under {keys.current}." + (f" {others} may be removed." if others else ""))

    def _rotate(self, part: Sealed, *, total: int) -> list[str]:
        """Rotate one kind, and return what cannot be read."""
        last, done, unreadable = 0, 0, list[str]()
        while batch := rotate_batch(part, after=last, actor=SYSTEM, now=timezone.now()):
            last, done = batch.last, done + batch.rows
            unreadable += [f"{part.model}:{pk}" for pk in batch.unreadable]
            self.stdout.write(f"{done:,} of {total:,} {_named(part)}, up to {last}")
        return unreadable


def _named(part: Sealed) -> str:
    return str(model_of(part)._meta.verbose_name_plural)
