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
    schemes_header,
    simulate_market,
    troubles_header,
    window_ending,
)
from merchants.domain.simulation.rows import HEADER, RECORDED_HEADER
from merchants.domain.simulation.schemes import COST_BP, STRENGTHS, Scheme, Schemes


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
    """Writes DIR/merchants.csv, transactions.csv, troubles.csv, schemes.csv; the same arguments give the same bytes."""

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

        cheating = parser.add_argument_group("merchants that make up sales; schemes.csv says which")
        cheating.add_argument("--cheaters", type=percentage, default=0, help="how many in a hundred")
        cheating.add_argument(
            "--schemes", type=Scheme, nargs="+", default=list(Scheme), metavar="SCHEME", help=", ".join(Scheme)
        )
        cheating.add_argument(
            "--strengths",
            type=positive,
            nargs="+",
            default=list(STRENGTHS),
            metavar="PERCENT",
            help="sales made up, of the real ones of the same days; each cheater draws one of these",
        )
        cheating.add_argument(
            "--cost", type=positive, default=COST_BP, metavar="BP", help="of a sale made up, in basis points"
        )
        cheating.add_argument(
            "--withheld", action="store_true", help="the same market, without what its cheaters make up"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        directory: Path = options["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        window = window_ending(options["end"], options["days"])
        began, rows = time.monotonic(), 0
        schemes = None
        if options["cheaters"]:
            schemes = Schemes(
                percent=options["cheaters"],
                kinds=tuple(options["schemes"]),
                strengths=tuple(options["strengths"]),
                cost_bp=options["cost"],
                is_withheld=options["withheld"],
            )
        with (
            (directory / "merchants.csv").open("w", encoding="utf-8", newline="") as merchants,
            (directory / "transactions.csv").open("w", encoding="utf-8", newline="") as transactions,
            (directory / "troubles.csv").open("w", encoding="utf-8", newline="") as troubles,
            (directory / "schemes.csv").open("w", encoding="utf-8", newline="") as cheaters,
        ):
            merchants.write(merchants_header())
            transactions.write(HEADER if schemes is None else RECORDED_HEADER)
            troubles.write(troubles_header())
            cheaters.write(schemes_header())
            market = {name: options[name] for name in ("merchants", "seed", "troubled")}
            for history in simulate_market(window=window, schemes=schemes, **market):
                merchants.write(history.merchant_line)
                transactions.writelines(history.transaction_lines)
                troubles.write(history.trouble_line)
                cheaters.write(history.scheme_line)
                rows += len(history.transaction_lines)
        took = time.monotonic() - began
        self.stdout.write(
            f"{options['merchants']:,} merchants, {rows:,} transactions from {window.first} to {options['end']} "
            f"written to {directory} in {took:.1f} s."
        )
