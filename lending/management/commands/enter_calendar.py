"""Enter a business calendar."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.kernel.business_days import BusinessCalendar
from config.office.actors import SYSTEM
from lending.domain.origination.calendars import calendar_from
from lending.gateways.calendar_libraries import Library, YearUnknown, read_library
from lending.operations.calendars import CalendarNotEntered, enter_calendar
from lending.queries.calendars import latest_calendar

MONTHS = range(1, 13)


class Command(BaseCommand):
    help = (
        "Enter a business calendar, from a file or a library; new loans of products that name it follow the last one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="docs/algorithms/terms.md has its form")
        parser.add_argument("--library", choices=[str(one) for one in Library], help="whose days, in place of a file")
        parser.add_argument("--years", help="of a library: 2026, or 2024-2026")
        parser.add_argument("--preview", action="store_true", help="list the days, and enter nothing")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        if (options["file"] is None) == (options["library"] is None) or bool(options["library"]) != bool(
            options["years"]
        ):
            message = "Give a file, or --library with --years."
            raise CommandError(message)
        calendar, source = _of_library(options) if options["library"] else _of_file(options["file"])
        if options["preview"]:
            self._preview(calendar)
            return
        try:
            entered = enter_calendar(calendar=calendar, source=source, actor=SYSTEM, now=timezone.now())
        except CalendarNotEntered as refused:
            message = "The calendar is entered so already."
            raise CommandError(message) from refused
        self.stdout.write(f"{entered}: {entered.sha256}")

    def _preview(self, calendar: BusinessCalendar) -> None:
        """List the days by year, and what differs from the calendar of this name as it is."""
        for year in range(calendar.first_year, calendar.last_year + 1):
            self.stdout.write(f"{calendar.name} {year}")
            self._list("free", [day for day in calendar.holidays if day.year == year])
            self._list("worked", [day for day in calendar.working if day.year == year])
        before = latest_calendar(calendar.name)
        if before is not None:
            self.stdout.write(f"against what is entered for {before.first_year} to {before.last_year}")
            for words, now, then in (
                ("free", calendar.holidays, before.holidays),
                ("worked", calendar.working, before.working),
            ):
                self._list(f"newly {words}", sorted(set(now) - set(then)))
                self._list(f"no more {words}", sorted(set(then) - set(now)))

    def _list(self, words: str, days: Sequence[date]) -> None:
        for month in sorted({(day.year, day.month) for day in days}):
            listed = ", ".join(f"{day:%a %d}" for day in days if (day.year, day.month) == month)
            self.stdout.write(f"  {words:16}{month[0]}-{month[1]:02}: {listed}")


def _of_library(options: dict[str, Any]) -> tuple[BusinessCalendar, str]:
    first, _, last = options["years"].partition("-")
    try:
        return read_library(Library(options["library"]), first_year=int(first), last_year=int(last or first))
    except (ValueError, OverflowError, YearUnknown) as error:
        message = f"{options['library']}, {options['years']}: {error}"
        raise CommandError(message) from error


def _of_file(file: Path) -> tuple[BusinessCalendar, str]:
    try:
        return calendar_from(file.read_text(encoding="utf-8")), file.name
    except (OSError, ValueError) as error:
        message = f"{file}: {error}"
        raise CommandError(message) from error
