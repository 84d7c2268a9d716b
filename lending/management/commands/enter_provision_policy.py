"""Enter the policy of provisions."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from lending.domain.books.provision_policy import DAY_ONE_POLICY
from lending.operations.provisions import PolicyNotEntered, enter_policy


class Command(BaseCommand):
    help = (
        "Enter the policy of provisions (default: the one that comes with Tradeline): it counts from the next month end"
        " on. docs/algorithms/provisions.md explains its figures."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=DAY_ONE_POLICY)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        file: Path = options["file"]
        try:
            entered = enter_policy(text=file.read_text(encoding="utf-8"), actor=SYSTEM, now=timezone.now())
        except PolicyNotEntered as refused:
            message = "This version of the policy was entered with another content: raise the version."
            raise CommandError(message) from refused
        except (OSError, ValueError) as error:
            message = f"{file}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"version {entered}: {entered.sha256}")
