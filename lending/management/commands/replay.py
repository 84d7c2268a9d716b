"""Replay loans of a file: what was agreed, where every payment went, and how the loan stood."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lending.domain.contract.files import CASE_KEYS, BadFile, load_cases, replay_case
from lending.management.terminal import printable, read_text, table, tell_ignored


class Command(BaseCommand):
    """Replays every case of a file; one that is refused does not stop the others."""

    help = "Replay the loans of a file: the schedule, where every payment went, and states as of dates."
    requires_system_checks = ()  # a pure function of a file needs nothing of the project

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help='JSON: {"cases": [{"id", "terms", "events", "as_of"}]}; - is standard input')
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            cases = load_cases(read_text(options["file"]))
        except BadFile as error:
            raise CommandError(str(error)) from error
        for case in cases:
            tell_ignored(self, case, CASE_KEYS)
        results = map(replay_case, cases)
        if options["json"]:
            self.stdout.write(json.dumps({"results": list(results)}, indent=1))
            return
        for case, result in zip(cases, results, strict=True):
            self.stdout.write(printable(_lines(case, result)))


def _lines(case: Any, result: Any) -> Iterator[str]:  # noqa: ANN401 - JSON scalars
    if "refused" in result:
        yield f"{result['id']}, refused"
        yield f"  {result['refused']}: {result['error']}"
    else:
        currency = case["terms"]["currency"]
        yield f"{result['id']}, in {currency}"
        for title in ("schedule", "allocations", "states"):
            yield from table(title, result[title], currency)
    yield ""
