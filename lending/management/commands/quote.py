"""Quote a loan: its schedule, what it costs, and its effective yearly rate."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.money import format_minor
from lending.domain.contract.files import QUOTE_KEYS, BadFile, load_object, quote_case
from lending.domain.contract.refusal import LoanRefused
from lending.management.terminal import printable, read_text, table, tell_ignored


class Command(BaseCommand):
    help = "Quote a loan disbursed on a date: its schedule, its cost, its yearly rate by the rule of the EU or the US."
    requires_system_checks = ()  # a pure function of a file needs nothing of the project

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help='JSON: {"terms", "on": DATE, "apr_rule": EU or US}; - is standard input')
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            case: Any = load_object(read_text(options["file"]))
            tell_ignored(self, case, QUOTE_KEYS)
            quoted: Any = quote_case(case)
        except BadFile as error:
            raise CommandError(str(error)) from error
        except LoanRefused as refused:
            if options["json"]:
                self.stdout.write(json.dumps({"refused": refused.reason.value, "error": str(refused)}))
            message = f"{refused.reason}: {refused}"
            raise CommandError(message) from refused
        if options["json"]:
            self.stdout.write(json.dumps(quoted, indent=1))
            return
        currency = case["terms"]["currency"]
        self.stdout.write(printable(table(f"schedule in {currency}", quoted["schedule"], currency)))
        for title in ("total_interest", "total_cost"):
            self.stdout.write(
                f"{title.replace('_', ' ')} {format_minor(quoted[f'{title}_minor'], currency, grouped=True)}"
            )
        self.stdout.write(f"apr {quoted['apr']} %")
