"""Solve a calibration on a finished run."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from scoring.models import ScoreRun
from scoring.operations.versions import CENTRAL_TENDENCY_PPM, CalibrationNotMade, create_calibration
from scoring.queries.labels import CALIBRATION_REFUSALS


class Command(BaseCommand):
    help = "Solve the calibration of the card on a finished run; the next run uses it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument(
            "--target-ppm", type=int, default=CENTRAL_TENDENCY_PPM, help="mean PD, in parts per million (default 5 %%)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            made = create_calibration(
                run_id=options["run"], target_ppm=options["target_ppm"], actor=SYSTEM, now=timezone.now()
            )
        except ScoreRun.DoesNotExist as error:
            message = f"There is no run {options['run']}."
            raise CommandError(message) from error
        except CalibrationNotMade as refused:
            raise CommandError(str(CALIBRATION_REFUSALS[refused.reason])) from refused
        self.stdout.write(made.sha256)
