"""Enter how an account at a bank is used."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from lending.domain.books.bank_profile import BadProfile, parse_profile
from lending.gateways.registry import folders_of
from lending.operations.banks import BankEntryRefusal, BankNotEntered, enter_bank

REFUSED: Final = {
    BankEntryRefusal.ENTERED: "It is entered so already.",
    BankEntryRefusal.ACCOUNT_CHANGED: "The bank of this name has another account or currency: give it a new name.",
    BankEntryRefusal.ACCOUNT_TAKEN: "This account is entered under another name.",
    BankEntryRefusal.CURRENCY_TAKEN: "Another bank pays or collects in this currency: enter that one with false first.",
}


class Command(BaseCommand):
    help = "Enter how an account at a bank is used: from now on its payouts and direct debits go there in files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="docs/examples/bank.toml has its form")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        file: Path = options["file"]
        try:
            profile = parse_profile(file.read_text(encoding="utf-8"))
            bank = enter_bank(profile=profile, actor=SYSTEM, now=timezone.now())
        except BankNotEntered as refused:
            message = REFUSED[refused.reason]
            raise CommandError(message) from refused
        except (OSError, UnicodeDecodeError, BadProfile) as error:
            message = f"{file}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{bank}: {bank.sha256}")
        folders = folders_of(profile)
        if folders is None:
            self.stderr.write("BANKS_DIR is not set: its orders wait until it is.")
            return
        folders.make()
        self.stdout.write(f"Orders: {folders.outbox}")
        self.stdout.write(f"What the bank sends: {folders.inbox}")
