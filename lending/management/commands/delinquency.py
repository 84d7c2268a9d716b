"""Print the loans of a day by product, currency and bucket."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.kernel.money import format_minor
from config.office.business_date import current_day
from config.office.words import HUNDREDTH, percent
from lending.domain.books.delinquency_policy import DelinquencyPolicy
from lending.queries.closes import closed_to, last_closed_day
from lending.queries.delinquency import current_policy
from lending.queries.delinquency_tables import Count, DelinquencyTable, delinquency_tables


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is not a date like 2026-03-31"
        raise ArgumentTypeError(message) from error


class Command(BaseCommand):
    help = "Print the loans that ran on a day by product, currency and bucket, with the portfolio at risk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("day", type=_day, nargs="?", help="like 2026-03-31; the last day that is closed by default")
        parser.add_argument("--json", action="store_true", help="print minor units, with the policy")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        today = current_day(timezone.now())
        on, policy = options["day"] or last_closed_day() or today, current_policy()
        if on > today:
            message = f"{on} has not come yet: the business date is {today}."
            raise CommandError(message)
        tables = delinquency_tables(policy, on=on)
        if options["json"]:
            reached = closed_to()
            found = {
                "on": str(on),
                "closed_to": reached and str(reached),
                "policy": policy.version,
                "tables": [_figures(one, policy) for one in tables],
            }
            self.stdout.write(json.dumps(found))
            return
        for table in tables:
            self.stdout.write(f"{table.product}, {table.currency}, as of {on}")
            self.stdout.write(f"{'':16}{'loans':>10}{'arrears':>20}{'outstanding':>20}{'share':>10}")
            for number, count in enumerate(table.buckets):
                self._print(policy.name_of(number) if number else "in no bucket", count, table)
            self._print("all", table.running, table)
            for days, count in table.at_risk.items():
                self._print(f"PAR {days}", count, table)
        if not tables:
            self.stdout.write(f"No loan ran on {on}.")

    def _print(self, name: str, count: Count, table: DelinquencyTable) -> None:
        arrears = "" if name.startswith("PAR") else format_minor(count.arrears_minor, table.currency, grouped=True)
        principal = format_minor(count.principal_minor, table.currency, grouped=True)
        share = percent(count.principal_minor, table.running.principal_minor, HUNDREDTH)
        self.stdout.write(f"{name:16}{count.loans:>10,}{arrears:>20}{principal:>20}{share:>10}")


def _figures(table: DelinquencyTable, policy: DelinquencyPolicy) -> dict[str, Any]:
    names = [None, *(bucket.name for bucket in policy.rule.buckets)]
    return {
        "product": table.product,
        "currency": table.currency,
        "running": asdict(table.running),
        "buckets": [{"bucket": name, **asdict(count)} for name, count in zip(names, table.buckets, strict=True)],
        "at_risk": [
            {"from_dpd": days, "loans": count.loans, "principal_minor": count.principal_minor}
            for days, count in table.at_risk.items()
        ],
    }
