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
    window_ending,
)
from merchants.domain.simulation.rows import HEADER


def positive(text: str) -> int:
    """Parse a whole number above zero."""
    if not text.isdecimal() or int(text) == 0:
        message = f"{text!r} is not a whole number above 0"
        raise ArgumentTypeError(message)
    return int(text)


class Command(BaseCommand):
    """Writes DIR/merchants.csv and DIR/transactions.csv; the same arguments give the same bytes."""

    help = "Simulate a marketplace (settlement ESCROW) and write it in the import format."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--merchants", type=positive, default=MERCHANTS)
        parser.add_argument("--days", type=positive, default=DAYS)
        parser.add_argument("--seed", type=positive, default=SEED)
        parser.add_argument("--end", type=date.fromisoformat, default=END, help="the last day, YYYY-MM-DD")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        directory: Path = options["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        window = window_ending(options["end"], options["days"])
        began, rows = time.monotonic(), 0
        with (
            (directory / "merchants.csv").open("w", encoding="utf-8", newline="") as merchants,
            (directory / "transactions.csv").open("w", encoding="utf-8", newline="") as transactions,
        ):
            merchants.write(merchants_header())
            transactions.write(HEADER)
            for history in simulate_market(merchants=options["merchants"], seed=options["seed"], window=window):
                merchants.write(history.merchant_line)
                transactions.writelines(history.transaction_lines)
                rows += len(history.transaction_lines)
        took = time.monotonic() - began
        self.stdout.write(
            f"{options['merchants']:,} merchants, {rows:,} transactions from {window.first} to {options['end']} "
            f"written to {directory} in {took:.1f} s."
        )
