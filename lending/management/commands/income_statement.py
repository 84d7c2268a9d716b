"""Print the income statement of a period, and what each loan had of it."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.money import format_minor
from lending.queries.closes import last_proven_day
from lending.queries.income import OF_LOANS, IncomeLine, LoanIncome, income_by_loan, income_statement


class Command(BaseCommand):
    """Reads the ledger and replays every loan."""

    help = (
        "Print what the ledger earned (positive) and lost (negative) in a period: what nights accrued, what events"
        " moved, and what the loans' events, as known now, say of it; the last column was booked in another period."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("first", type=date.fromisoformat, help="the period's first day")
        parser.add_argument("last", type=date.fromisoformat, help="its last, which must be proven")
        parser.add_argument("--by-loan", type=Path, metavar="FILE", help="write what each loan had of it, as CSV")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        first, last, proven = options["first"], options["last"], last_proven_day()
        if first > last:
            message = f"The period ends on {last}, before it begins on {first}."
            raise CommandError(message)
        if proven is None or last > proven:
            message = f"A period that ends with a proven day is needed: the last is {proven or 'still to come'}."
            raise CommandError(message)
        loans = income_by_loan(first, last)
        if options["by_loan"] is not None:
            loans = _written(loans, options["by_loan"])
        lines = income_statement(first, last, loans=loans)
        head = ("", "nights", "events", "ledger", "loans", "booked elsewhere")
        self.stdout.write(f"{head[0]:22}{'':4}" + "".join(f"{name:>18}" for name in head[1:]))
        for currency, of_currency in groupby(lines, key=lambda line: line.currency):
            table = {str(line.account): _amounts(line) for line in of_currency}
            table["total"] = list(map(sum, zip(*table.values(), strict=True)))
            for name, amounts in table.items():
                shown = "".join(f"{format_minor(minor, currency, grouped=True):>18}" for minor in amounts)
                self.stdout.write(f"{name:22}{currency:4}{shown}")


def _amounts(line: IncomeLine) -> list[int]:
    minors = [line.nights_minor, line.events_minor, line.ledger_minor, line.loans_minor]
    return [*minors, line.ledger_minor - line.loans_minor]


def _written(loans: Iterator[LoanIncome], path: Path) -> Iterator[LoanIncome]:
    """Write the loans to a file as they pass. Raises CommandError."""
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error}"
        raise CommandError(message) from error
    with file:
        writer = csv.writer(file)
        writer.writerow(["loan", "currency", *(account.lower() for account in OF_LOANS)])
        for one in loans:
            amounts = [format_minor(one.minor[account], one.loan.currency) for account in OF_LOANS]
            writer.writerow([str(one.loan), one.loan.currency, *amounts])
            yield one
