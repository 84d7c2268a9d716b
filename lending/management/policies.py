"""Enter a version of a policy from a file: what the commands for it have in common."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from lending.models.policy import PolicyVersion
from lending.operations.policies import PolicyNotEntered


class EnterPolicyCommand(BaseCommand):
    """Enters a file's policy. comes_with: the file taken by default. enter: the operation."""

    comes_with: ClassVar[Path]
    enter: ClassVar[Callable[..., PolicyVersion]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=self.comes_with)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        file: Path = options["file"]
        try:
            entered = type(self).enter(text=file.read_text(encoding="utf-8"), actor=SYSTEM, now=timezone.now())
        except PolicyNotEntered as refused:
            message = "This version of the policy was entered with another content: raise the version."
            raise CommandError(message) from refused
        except (OSError, ValueError) as error:
            message = f"{file}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"version {entered}: {entered.sha256}")
