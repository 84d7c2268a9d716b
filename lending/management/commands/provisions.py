"""Print how provisions moved in a month, and write what was provided for each loan."""

import csv
import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from config.kernel.money import format_minor
from lending.domain.books.provision import Stage
from lending.domain.books.provision_movement import Line, MovementTable
from lending.models import ProvisionMonth
from lending.queries.provisions import booked_month, movements_of

COLUMNS: Final = (
    "currency",
    "left",
    "stage",
    "cause",
    "good_months",
    "category",
    "dpd",
    "worst_dpd",
    "re_aged_on",
    "score_pd_ppm",
    "origination_pd_ppm",
    "pd_ppm",
    "lgd_bps",
    "rate_ppm",
)
AMOUNTS: Final = ("ead_minor", "ecl_minor", "minimum_minor", "provision_minor", "before_minor")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        message = f"{text!r} is not a month like 2026-03"
        raise ArgumentTypeError(message) from error


class Command(BaseCommand):
    help = "Print how provisions moved in a month, by stage, from the rows of its loans and lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("month", type=_month, help="like 2026-03, once the close of its last day has booked it")
        parser.add_argument("--json", action="store_true", help="print minor units, with the policy")
        parser.add_argument("--by-loan", type=Path, metavar="FILE", help="write what was provided for each, as CSV")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        month = booked_month(options["month"])
        if month is None:
            message = f"No provisions are booked for {options['month']:%Y-%m}."
            raise CommandError(message)
        if options["by_loan"] is not None:
            _write(month, options["by_loan"])
        tables = movements_of(month)
        if options["json"]:
            found = {
                "month": str(month),
                "policy": {"version": month.policy.version, "sha256": month.policy.sha256},
                "movements": {table.currency: _lines(table) for table in tables},
            }
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"{'':16}{'':4}" + "".join(f"{f'stage {stage}':>18}" for stage in Stage) + f"{'all':>18}")
        for table in tables:
            for name, amounts in _lines(table).items():
                shown = [format_minor(minor, table.currency, grouped=True) for minor in (*amounts, sum(amounts))]
                self.stdout.write(f"{name:16}{table.currency:4}" + "".join(f"{amount:>18}" for amount in shown))


def _lines(table: MovementTable) -> dict[str, list[int]]:
    return {line.value: list(table.of(line)) for line in Line}


def _write(month: ProvisionMonth, path: Path) -> None:
    """Write a month's rows, with all that an amount follows from. Raises CommandError."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["of", *COLUMNS, *(name.removesuffix("_minor") for name in AMOUNTS), "periods"])
            for row in month.provisions.order_by("pk").iterator():
                of = f"line_{row.line_id}" if row.loan_id is None else f"loan_{row.loan_id}"
                figures = [getattr(row, name) for name in COLUMNS]
                amounts = [format_minor(getattr(row, name), row.currency) for name in AMOUNTS]
                periods = " ".join(f"{days}:{format_minor(minor, row.currency)}" for days, minor in row.periods)
                writer.writerow([of, *figures, *amounts, periods])
    except OSError as error:
        message = f"{path} cannot be written: {error}"
        raise CommandError(message) from error
