"""Early warning: the signals of a whole market of borrowers, beside a full run of scores over the same rows."""

from datetime import timedelta
from functools import partial

from django.utils import timezone

from config.db.transactions import operation
from config.kernel.calendar import date_of
from config.office.actors import SYSTEM
from lending.domain.watch.cash_flow import Cell, Market, NextInstalment, Peers
from lending.domain.watch.policy import day_one_watch
from lending.domain.watch.signals import Reading, Watched, read_signals
from lending.models import EarlyWarning, WatchRun
from lending.operations.warnings import change_warnings
from lending.operations.watch import WATCH
from lending.queries.balances import running_balances
from lending.queries.cash_flow import measure_cells, measure_flows
from lending.queries.watch import WatchedMerchant, known_to
from merchants.models import Merchant
from merchants.queries.partitions import partition_sql, partitions_of_part
from scoring.operations.runs import start_run
from tests.benchmarks.results import Result, ratio, say, timed
from tests.benchmarks.workloads import published, the_end, work_through

DRAWN_BEFORE = timedelta(days=57)
DUE_SOON = 4
"""One in so many has an instalment within a week."""


def signals() -> Result:
    """Judge every merchant as a borrower, part by part in one process; then score them all."""
    published()
    merchants = Merchant.objects.count()
    now = timezone.now()
    run = WatchRun.objects.create(
        kind="NIGHT",
        as_of=date_of(the_end()),
        watermark_high=2**40,
        watermark_open=[],
        seen_high=1,
        seen_open=[],
        parts=WATCH.parts_for(merchants),
        started_at=now,
    )
    cells = list[tuple[Cell, Peers]]()
    counted = timed(
        lambda: cells.extend(
            cell
            for part in range(run.parts)
            for cell in measure_cells(known_to(run), partitions=partitions_of_part(part, run.parts))
        )
    )
    market = Market.of(cells)
    judged = sum(timed(partial(_judge, run, market, part)) for part in range(run.parts))
    say(f"\nSignals: {merchants:,} merchants, each with a draw, {run.parts} parts one after the other in one process")
    say("count how sales changed, by cell", counted, merchants=merchants)
    say("measure, read, raise", judged, merchants=merchants)
    say(f"  {EarlyWarning.objects.count():,} warnings raised")
    scoring = start_run(actor=SYSTEM, now=timezone.now())
    whole = timed(lambda: work_through(scoring))
    say("a full run of scores over the same rows", whole, merchants=merchants)
    found = ratio("signals take, in full runs", counted + judged, whole)
    return Result(ratio=found, rival="time of a full run of scores over the same rows", target=0.5)


def _judge(run: WatchRun, market: Market, part: int) -> None:
    """Judge the merchants of a part, as `judge_part` does, of loans that there are not."""
    partitions, policy = partitions_of_part(part, run.parts), day_one_watch()
    drawn_on = run.as_of - DRAWN_BEFORE
    is_here = f"{partition_sql('merchants_merchant.id', partitions)} IS NOT NULL"
    rows = Merchant.objects.extra(where=[is_here])  # noqa: S610
    watched = {
        pk: WatchedMerchant(cell=(currency, category, region), drawn_on=drawn_on)
        for pk, currency, category, region in rows.values_list("pk", "currency", "category", "region")
    }
    flows = measure_flows(dict.fromkeys(watched, drawn_on), known=known_to(run), partitions=partitions)
    due = [pk for pk in watched if pk % DUE_SOON == 0]
    balances = running_balances(due, known=known_to(run), partitions=partitions)
    readings: dict[int, list[Reading]] = {}
    for pk, one in watched.items():
        peers = market.peers_of(one.cell, flows[pk], least=policy.peers_least)
        instalment = None
        if pk % DUE_SOON == 0:
            instalment = NextInstalment(due_minor=10_000, days=5, balance_minor=balances.get(pk, 0))
        readings[pk] = read_signals(Watched(flow=flows[pk], peers=peers, instalment=instalment), policy)
    with operation():
        change_warnings(run, readings, watched, policy=policy, now=timezone.now())


WORKLOADS = {"signals": signals}
