"""Say what the cheaters of a simulated market gain by it, and what it costs them."""

import csv
from argparse import ArgumentParser
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.documents import load
from scoring.domain.detection import BadTruth, gains, read_truth


class Command(BaseCommand):
    """Reads what `manage.py score --to` wrote of a market, and of the same simulated with --withheld."""

    help = "Compare the limits of cheaters with and without what they make up; needs no database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cheated", type=Path, help="scores of the market with its schemes")
        parser.add_argument("honest", type=Path, help="scores of the market simulated with --withheld")
        parser.add_argument("truth", type=Path, help="schemes.csv of the market")
        parser.add_argument("--multiple", type=Fraction, default=Fraction(2), help="of M that may be lent (2)")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            cheated, honest = (_bases(options[name]) for name in ("cheated", "honest"))
            with options["truth"].open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            truth = read_truth(rows, known={row.get("merchant") or "" for row in rows})
            costs = {row["merchant"]: int(row["cost_minor"]) for row in rows}
        except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, BadTruth) as error:
            message = f"cannot be read: {error}"
            raise CommandError(message) from error
        for gain in gains(truth, costs, cheated=cheated, honest=honest, multiple=options["multiple"]):
            self.stdout.write(
                f"{gain.strength:4} %: {gain.merchants} cheaters gain {gain.gain_minor:,} for {gain.cost_minor:,}"
            )


def _bases(path: Path) -> dict[str, int]:
    """Return the sales bases of merchants that are scored and pass the gates, by external id."""
    lines = [load(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        str(line["merchant"]): int(line["sales_basis_minor"])
        for line in lines
        if line["not_scored"] is None and not line["gates"]
    }
