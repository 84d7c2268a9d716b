"""Enter a scorecard."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.operations.versions import ScorecardNotEntered, enter_scorecard
from scoring.queries.labels import SCORECARD_REFUSALS


class Command(BaseCommand):
    help = "Enter a scorecard (default: the expert card of day one); the last entered is used from the next run on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=DAY_ONE_CARD)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            version = enter_scorecard(text=options["file"].read_text(), actor=SYSTEM, now=timezone.now())
        except ScorecardNotEntered as refused:
            raise CommandError(str(SCORECARD_REFUSALS[refused.reason])) from refused
        except (OSError, ValueError) as error:
            message = f"{options['file']}: {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{version.name}: {version.sha256}")
