"""What is measured: each workload does its work and a rival's on the same rows, and says both and the ratio.

A workload prepares what it needs, if no other one did before.
"""

import os
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from statistics import median

import duckdb
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from config.kernel.calendar import date_of
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.job_runs import Work, run_job
from config.office.models import JobRun
from merchants.domain.feed import feed_end
from merchants.models import Merchant, Transaction
from merchants.queries.batches import current_watermark
from merchants.queries.feeds import sales_by_day
from merchants.queries.partitions import partitions_of_part
from scoring.domain.features.sets import current_set
from scoring.domain.run import RunState
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import ScoreRun
from scoring.operations.runs import RUN, start_run
from scoring.operations.single import score_merchant
from scoring.operations.versions import create_calibration, enter_scorecard
from scoring.queries.measures import Known, measure
from scoring.queries.measures import compiled as compiled_for_postgres
from scoring.queries.references import members_of_market
from scoring.queries.scores import compute_run, get_live_run, get_run
from tests.benchmarks.results import DIRECTORY, Result, ratio, say, spread, timed
from tests.scoring.domain.markets import compiled
from tests.scoring.test_engines import HISTORY, lay_down

TIMES = 3  # of what is quick; the best counts
SINGLES = 200


def simulated() -> None:
    """Write the files of a simulated market."""
    if not (DIRECTORY / "transactions.csv").exists():
        with redirect_stdout(StringIO()):
            merchants, days = int(os.environ["MERCHANTS"]), int(os.environ["DAYS"])
            call_command("simulate_marketplace", str(DIRECTORY), merchants=merchants, days=days)


def imported() -> None:
    """Import the simulated market."""
    simulated()
    if not Transaction.objects.exists():
        with redirect_stdout(StringIO()):
            call_command("import_marketplace", DIRECTORY, settlement="ESCROW")


def published() -> None:
    """Score the market, by a calibration of a run before."""
    imported()
    if get_live_run() is None:
        now = timezone.now()
        enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=now)
        open_day(on=date_of(the_end()), actor=SYSTEM, now=now)
        create_calibration(run_id=work_through(start_run(actor=SYSTEM, now=now)).pk, actor=SYSTEM, now=now)
        work_through(start_run(actor=SYSTEM, now=now))


def the_end() -> int:
    """Find the number of the first day after the feed."""
    end = feed_end(sales_by_day())
    assert end is not None
    return end + 1


def measures() -> Result:
    """Measure every merchant on PostgreSQL, part by part and at once, and on DuckDB over Parquet."""
    imported()
    known, members = Known(as_of_day=the_end(), watermark=current_watermark()), members_of_market()
    rows, merchants = Transaction.objects.filter(day__lt=known.as_of_day).count(), len(members.ids)
    say(f"\nMeasures: {rows:,} transactions of {merchants:,} merchants (SQL compiled before)")
    compiled_for_postgres(current_set().measures)

    def on_postgres(partitions: list[int] | None) -> int:
        return len(measure(current_set().measures, members=members, known=known, partitions=partitions))

    parts = parts_of(merchants)

    by_parts = timed(lambda: [on_postgres(partitions) for partitions in parts], TIMES)
    say(
        f"PostgreSQL, {len(parts)} statements one after the other, as a run does",
        by_parts,
        transactions=rows,
        merchants=merchants,
    )
    whole = timed(lambda: on_postgres(None), TIMES)
    say("PostgreSQL, one statement over the whole market", whole, transactions=rows, merchants=merchants)
    lay_down(DIRECTORY)
    found = []
    for threads in (1, os.cpu_count() or 1):
        seconds = on_duckdb(known, threads)
        say(
            f"DuckDB over Parquet, {threads} thread{'s' if threads > 1 else ''}",
            seconds,
            transactions=rows,
            merchants=merchants,
        )
        found.append(ratio(f"PostgreSQL by parts takes, in DuckDB's {threads}", by_parts, seconds))
    return Result(ratio=found[0], rival="time of DuckDB over Parquet, one thread")


def parts_of(merchants: int) -> list[list[int]]:
    """List the partitions that each part of a run over so many merchants reads."""
    parts = RUN.parts_for(merchants)
    return [partitions_of_part(part, parts) for part in range(parts)]


def on_duckdb(known: Known, threads: int) -> float:
    """Time the same measures on DuckDB, reading Parquet anew each time."""
    with duckdb.connect(config={"threads": threads}) as engine:
        statement = HISTORY.format(directory=DIRECTORY)
        for name, value in known.parameters.items():
            statement = statement.replace(f"${name}", f"{value}::bigint[]" if value == [] else str(value))
        engine.execute(statement)
        return timed(lambda: engine.execute(compiled(reference=False)).fetchall(), TIMES)


def run() -> Result:
    """Do a whole run, all its jobs in this process, and only its measures."""
    published()
    run = start_run(actor=SYSTEM, now=timezone.now())
    stages: dict[str, float] = {}
    whole = timed(lambda: work_through(run, stages))
    run.refresh_from_db()
    if run.state != RunState.PUBLISHED:
        say(f"(the run ended {run.state}: its times hold, its scores are not live)")
    merchants = run.scored + run.not_scored
    jobs = sum(stage.parts for stage in RUN.progress(subject_id=run.pk, now=timezone.now()))
    say(
        f"\nA whole run: {merchants:,} merchants, {run.scored:,} scored, {jobs} jobs one after the other in one process"
    )
    say("all jobs: claim, work, fence, check, publish", whole, merchants=merchants)
    for name, seconds in stages.items():
        say(f"  of it {name}", seconds, merchants=merchants)
    computed = timed(
        lambda: [compute_run(run=get_run(run_id=run.pk), partitions=partitions) for partitions in parts_of(merchants)]
    )
    say("only the computing of the same scores, nothing stored", computed, merchants=merchants)
    found = ratio("the run takes, in computings", whole, computed)
    return Result(ratio=found, rival="time of only computing the same scores, nothing stored")


def do_all(jobs: list[int], work: Work) -> None:
    """Do the jobs of a stage, one after the other."""
    for job in jobs:
        run_job(job, work)


def work_through(run: ScoreRun, stages: dict[str, float] | None = None) -> ScoreRun:
    """Do all jobs of a run, and note how long each stage took."""
    for stage in RUN.stages:
        jobs = list(JobRun.objects.of(stage.name, run.pk).order_by("part").values_list("pk", flat=True))
        seconds = timed(partial(do_all, jobs, stage.work))
        if stages is not None:
            stages[stage.name] = seconds
    run.refresh_from_db()
    return run


def single() -> Result:
    """Score merchants one by one between nights; read their rows, and nothing else."""
    published()
    ids = list(
        Merchant.objects.order_by("pk").values_list("pk", flat=True)[:: max(1, Merchant.objects.count() // SINGLES)]
    )
    score_merchant(merchant_id=ids[0], actor=SYSTEM, now=timezone.now())  # compiles the SQL
    times = [timed(partial(score_merchant, merchant_id=pk, actor=SYSTEM, now=timezone.now())) for pk in ids]
    ours = median(times)
    bare = median(timed(partial(rows_of, pk), TIMES) for pk in ids)
    say(f"\nOne merchant scored afresh: median of {len(ids)}, from the facts to a stored row")
    say("score_merchant: pin, measure, look up references, score, store, commit", ours)
    spread("score_merchant", times)
    say("bare SELECT of its transactions from their partition", bare)
    found = ratio("one score takes, in bare SELECTs", ours, bare)
    return Result(ratio=found, rival="time of a bare SELECT of the merchant's transactions")


def rows_of(merchant_id: int) -> int:
    """Read a merchant's rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM merchants_transaction WHERE merchant_id = %s", [merchant_id])
        return len(cursor.fetchall())


WORKLOADS = {"measures": measures, "run": run, "single": single}
