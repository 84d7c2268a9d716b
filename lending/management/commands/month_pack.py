"""Write the pack of a month: every report on the portfolio as of its last day, as a PDF and as a workbook."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lending.domain.books.month_close import last_day_of
from lending.gateways.report_files import write_pdf, write_workbook
from lending.queries.closes import last_closed_day
from lending.queries.portfolio_pack import file_name, pack_of, title_of


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        message = f"{text!r} is not a month like 2026-03"
        raise ArgumentTypeError(message) from error


class Command(BaseCommand):
    help = "Write every report on the portfolio as of the last day of a month, as a PDF and as a workbook."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", type=_month, required=True, help="like 2026-03; all its days are closed")
        parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="the directory of the two files")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        on, closed, directory = last_day_of(options["month"]), last_closed_day(), options["to"]
        if closed is None or closed < on:
            message = f"The days up to {on} are not all closed: the last is {closed or 'still to come'}."
            raise CommandError(message)
        sections = [(one.name, one.currency, one.tables) for one in pack_of(on)]
        written = {"pdf": write_pdf(title_of(on), sections), "xlsx": write_workbook(sections)}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for kind, content in written.items():
                draft = directory / f".{file_name(on, kind)}"
                draft.write_bytes(content)
                draft.replace(directory / file_name(on, kind))
        except OSError as error:
            message = f"{directory} cannot be written: {error}"
            raise CommandError(message) from error
        for kind in written:
            self.stdout.write(str(directory / file_name(on, kind)))
