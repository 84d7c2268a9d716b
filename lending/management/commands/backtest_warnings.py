"""Measure the signals of early warning over the history that is stored."""

import csv
import json
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from config.kernel.calendar import date_of, day_number
from lending.domain.watch.backtest import (
    Alarm,
    NotionalLoan,
    Told,
    Watcher,
    days_until_told,
    has_recovered,
    tell,
)
from lending.domain.watch.cash_flow import RECENT, SHORTEST_SINCE, USUAL, CashFlow, Cell, Market
from lending.domain.watch.policy import Signal, WatchPolicy
from lending.domain.watch.signals import Reading, Watched, read_signals
from lending.queries.balances import balance_moves
from lending.queries.cash_flow import measure_cells, measure_flows
from lending.queries.watch import policy_in_force, policy_of
from merchants.models import Merchant
from merchants.models.transaction import PARTITIONS
from merchants.queries.batches import Watermark, known_now
from scoring.queries.measures import Known

FALLS: Final = frozenset({Signal.SALES_BELOW_SEASON, Signal.SALES_BELOW_PEERS, Signal.SILENT})
FEWEST: Final = 12
"""Sales in the usual days, below which a merchant is nobody's borrower."""
EVERYWHERE: Final = range(PARTITIONS)


class Command(BaseCommand):
    help = (
        "Read the signals of early warning on past days, as if everyone who sold enough had drawn a loan on the first: "
        "how often they alarm, how often sales recovered after it, which loans went bad, and how long before that."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", type=date.fromisoformat, required=True, dest="first", help="YYYY-MM-DD")
        parser.add_argument("--to", type=date.fromisoformat, required=True, dest="last", help="YYYY-MM-DD")
        parser.add_argument("--every", type=int, default=7, help="days between two readings")
        parser.add_argument("--troubles", type=Path, help="troubles.csv of a simulated market")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        first, last, every = options["first"], options["last"], options["every"]
        start = first + timedelta(days=SHORTEST_SINCE + 1)
        if every < 1 or last < start:
            message = f"--to must be more than {SHORTEST_SINCE} days after --from, --every at least 1."
            raise CommandError(message)
        self.watermark = known_now()
        self.cells = _cells_of_merchants()
        flows = self._flows(self.cells, on=first)
        lent = {merchant: flow for merchant, flow in flows.items() if flow.sales_usual >= FEWEST}
        if not lent:
            message = f"Nobody made {FEWEST} sales in the days before {first}."
            raise CommandError(message)
        loans, watcher = self._loans(lent, first), Watcher(policy_of(policy_in_force()))
        days = range(0, (last - start).days + 1, every)
        for on in (start + timedelta(days=passed) for passed in days):
            watcher.judge(self._readings(loans, watcher.policy, on=on, drawn_on=first), on=on)
        for loan in loans.values():
            loan.run_to(day_number(last))
        bad_on = {pk: None if loan.bad_on is None else date_of(loan.bad_on) for pk, loan in loans.items()}
        told = tell(watcher.alarms, bad_on, days=len(days) * every)
        recovered = self._recovered(watcher.alarms, last)
        troubles = _troubles(options["troubles"], watcher.alarms, bad_on)
        if options["json"]:
            in_100 = {signal: told.in_100_months(number) for signal, number in told.by_signal.items()}
            more = {"in_100_months": in_100, "recovered": recovered, "troubles": troubles}
            self.stdout.write(json.dumps({**asdict(told), **more}))
        else:
            self.stdout.write("\n".join(_shown(told, recovered, troubles)))

    def _known(self, on: date) -> Known:
        watermark: Watermark = self.watermark
        return Known(as_of_day=day_number(on), watermark=watermark)

    def _flows(self, merchants: Iterable[int], *, on: date, drawn_on: date | None = None) -> dict[int, CashFlow]:
        drawn = dict.fromkeys(merchants, drawn_on)
        return measure_flows(drawn, known=self._known(on), partitions=EVERYWHERE, is_limited=False)

    def _loans(self, lent: Mapping[int, CashFlow], first: date) -> dict[int, NotionalLoan]:
        moves = balance_moves(list(lent), known=self._known(date.max))
        return {
            merchant: NotionalLoan(
                drawn=day_number(first),
                principal_minor=flow.sold_usual * RECENT // USUAL,
                moves=moves.get(merchant, {}),
            )
            for merchant, flow in lent.items()
        }

    def _readings(
        self, loans: Mapping[int, NotionalLoan], policy: WatchPolicy, *, on: date, drawn_on: date
    ) -> dict[int, list[Reading]]:
        market = Market.of(measure_cells(self._known(on), partitions=EVERYWHERE, is_limited=False))
        found, day = {}, day_number(on)
        for merchant, flow in self._flows(loans, on=on, drawn_on=drawn_on).items():
            loans[merchant].run_to(day)
            peers = market.peers_of(self.cells[merchant], flow, least=policy.peers_least)
            watched = Watched(flow=flow, peers=peers, instalment=loans[merchant].next_instalment(day))
            found[merchant] = read_signals(watched, policy)
        return found

    def _recovered(self, alarms: Sequence[Alarm], last: date) -> dict[str, int]:
        """Count the alarms of fallen sales after which sales were near the usual again, of those with days after."""
        later = timedelta(days=RECENT)
        falls = [alarm for alarm in alarms if alarm.signal in FALLS and alarm.on + later <= last]
        by_day = defaultdict[date, list[int]](list)
        for alarm in falls:
            by_day[alarm.on].append(alarm.merchant)
        recovered = 0
        for on, merchants in by_day.items():
            before, after = self._flows(merchants, on=on), self._flows(merchants, on=on + later)
            recovered += sum(has_recovered(before[one].sales_usual, after[one].sales_recent) for one in merchants)
        return {"of": len(falls), "recovered": recovered}


def _cells_of_merchants() -> dict[int, Cell]:
    rows = Merchant.objects.order_by("pk").values_list("pk", "currency", "category", "region")
    return {pk: (currency, category, region) for pk, currency, category, region in rows}


def _troubles(file: Path | None, alarms: Sequence[Alarm], bad_on: Mapping[int, date | None]) -> dict[str, Any]:
    if file is None:
        return {}
    ids = dict(Merchant.objects.values_list("external_id", "pk"))
    began = defaultdict[str, dict[int, date]](dict)
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if ids.get(row["merchant"]) in bad_on:
                began[row["trouble"]][ids[row["merchant"]]] = date.fromisoformat(row["begins_on"])
    found = {}
    for kind, those in sorted(began.items()):
        days = days_until_told(alarms, those).values()
        bad = sum(bad_on[merchant] is not None for merchant in those)
        found[kind] = {"merchants": len(those), "warned": len(days), "days": median(days or [0]), "bad": bad}
    return found


def _shown(told: Told, recovered: Mapping[str, int], troubles: Mapping[str, Any]) -> Iterable[str]:
    yield (
        f"{told.merchants:,} merchants, {told.merchant_months:,} merchant-months: {told.alarms:,} alarms, "
        f"{told.in_100_months(told.alarms):.2f} in 100 merchant-months"
    )
    for signal in Signal:
        if number := told.by_signal.get(signal, 0):
            before = told.bad_warned_by_signal.get(signal, 0)
            yield f"  {signal:<20} {number:>6,} {told.in_100_months(number):>7.2f}   before {before:,} bad loans"
    yield f"Sales recovered after {recovered['recovered']:,} of {recovered['of']:,} alarms of fallen sales"
    lead = told.lead_days
    words = f", median {median(lead)} days, a quarter under {lead[len(lead) // 4]}" if lead else ""
    yield f"{told.bad:,} loans went bad: {told.bad_warned:,} with a warning beforehand{words}"
    yield f"{told.good:,} did not: {told.good_warned:,} with a warning"
    for kind, one in troubles.items():
        yield (
            f"  {kind:<10} {one['merchants']:,} merchants, {one['warned']:,} with a warning, median {one['days']} days "
            f"after it began; {one['bad']:,} loans went bad"
        )
