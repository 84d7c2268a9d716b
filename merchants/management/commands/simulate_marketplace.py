"""Write a simulated marketplace as files that import_marketplace reads; needs no database."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from merchants.domain.simulation.market import (
    DAYS,
    END,
    MERCHANTS,
    SEED,
    merchants_header,
    simulate_market,
    troubles_header,
    window_ending,
)
from merchants.domain.simulation.rows import HEADER


def positive(text: str) -> int:
    """Parse a whole number above zero."""
    if not text.isdecimal() or int(text) == 0:
        message = f"{text!r} is not a whole number above 0"
        raise ArgumentTypeError(message)
    return int(text)


def percentage(text: str) -> int:
    """Parse a whole number from 0 to 100."""
    if not text.isdecimal() or int(text) > 100:  # noqa: PLR2004
        message = f"{text!r} is not a whole number from 0 to 100"
        raise ArgumentTypeError(message)
    return int(text)


class Command(BaseCommand):
    """Writes DIR/merchants.csv, transactions.csv and troubles.csv; the same arguments give the same bytes."""

    help = "Simulate a marketplace (settlement ESCROW) and write it in the import format."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--merchants", type=positive, default=MERCHANTS)
        parser.add_argument("--days", type=positive, default=DAYS)
        parser.add_argument("--seed", type=positive, default=SEED)
        parser.add_argument("--end", type=date.fromisoformat, default=END, help="the last day, YYYY-MM-DD")

        parser.add_argument(
            "--troubled",
            type=percentage,
            default=0,
            help="how many in a hundred get into trouble in the last half year; troubles.csv says which",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        directory: Path = options["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        window = window_ending(options["end"], options["days"])
        began, rows = time.monotonic(), 0
        with (
            (directory / "merchants.csv").open("w", encoding="utf-8", newline="") as merchants,
            (directory / "transactions.csv").open("w", encoding="utf-8", newline="") as transactions,
            (directory / "troubles.csv").open("w", encoding="utf-8", newline="") as troubles,
        ):
            merchants.write(merchants_header())
            transactions.write(HEADER)
            troubles.write(troubles_header())
            market = {name: options[name] for name in ("merchants", "seed", "troubled")}
            for history in simulate_market(window=window, **market):
                merchants.write(history.merchant_line)
                transactions.writelines(history.transaction_lines)
                troubles.write(history.trouble_line)
                rows += len(history.transaction_lines)
        took = time.monotonic() - began
        self.stdout.write(
            f"{options['merchants']:,} merchants, {rows:,} transactions from {window.first} to {options['end']} "
            f"written to {directory} in {took:.1f} s."
        )
