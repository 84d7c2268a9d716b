"""What is measured: each workload does its work and a rival's on the same rows, and says both and the ratio.

A workload prepares what it needs, if no other one did before.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from statistics import median

import duckdb
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
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
from tests.scoring.domain.markets import compiled
from tests.scoring.test_engines import HISTORY, lay_down

DIRECTORY = Path(os.environ["DATA"])
TIMES = 3  # of what is quick; the best counts
SINGLES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the product stands to a rival, named by a phrase; `target` is the ratio wanted, if one was set."""

    ratio: float
    rival: str
    target: float | None = None


def tell(name: str, result: Result) -> None:
    """Write the workload's last line, as JSON."""
    told = asdict(result) | {"ratio": round(result.ratio, 3)}
    sys.stdout.write(json.dumps({"bench": name, **told}) + "\n")
    sys.stdout.flush()


def say(words: str, seconds: float | None = None, **rates: float) -> None:
    """Write one line: what, how long, how many a second of each."""
    took = "" if seconds is None else f"{seconds:9.3f} s"
    told = "".join(f"{count / (seconds or 1):14,.0f} {what}/s" for what, count in rates.items())
    sys.stdout.write(f"  {words:<68}{took}{told}\n" if took else f"{words}\n")
    sys.stdout.flush()


def ratio(words: str, slow: float, fast: float) -> float:
    """Return how often the second fits into the first; write it, and the peak memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"  = {words}: {slow / fast:.2f}; peak memory of this process {peak:,.0f} MB")
    return slow / fast


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Give the best wall-clock time of so many tries, in seconds."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def simulated() -> None:
    """Write the files of a simulated market."""
    if not (DIRECTORY / "transactions.csv").exists():
        with redirect_stdout(StringIO()):
            call_command("simulate_marketplace", str(DIRECTORY), merchants=int(os.environ["MERCHANTS"]))


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


def ingest() -> Result:
    """Import the market; copy the same rows into a table without a key, an index or a rule."""
    simulated()
    ours = timed(imported)
    rows, merchants = Transaction.objects.count(), Merchant.objects.count()
    say(f"\nIngest: {rows:,} transactions of {merchants:,} merchants, one process")
    say("import_marketplace: read, judge, stage, store, seal", ours, rows=rows)
    bare = timed_copy()
    say("bare COPY of the same rows as CSV into a plain table", bare, rows=rows)
    found = ratio("the pipeline takes, in bare COPYs", ours, bare)
    return Result(ratio=found, rival="time of a bare COPY of the same rows into a plain table")


def timed_copy() -> float:
    """Copy all transactions into a plain table, as its owner, from a file written before."""
    path = DIRECTORY / "plain.csv"
    statement = "COPY (SELECT * FROM merchants_transaction) TO STDOUT (FORMAT csv)"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
        file.writelines(bytes(part) for part in copy)
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE bench_plain AS SELECT * FROM merchants_transaction WITH NO DATA")

        def bare() -> None:
            with path.open("rb") as file, cursor.copy("COPY bench_plain FROM STDIN (FORMAT csv)") as copy:
                while chunk := file.read(1 << 20):
                    copy.write(chunk)

        try:
            return timed(bare)
        finally:
            cursor.execute("DROP TABLE bench_plain")
            path.unlink()


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
    compiled_for_postgres(reference=False)

    def on_postgres(partitions: list[int] | None) -> int:
        return len(
            measure(
                current_set().measures,
                members=members.select,
                parameters=members.parameters,
                known=known,
                partitions=partitions,
            )
        )

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
    ours = median(timed(partial(score_merchant, merchant_id=pk, actor=SYSTEM, now=timezone.now())) for pk in ids)
    bare = median(timed(partial(rows_of, pk), TIMES) for pk in ids)
    say(f"\nOne merchant scored afresh: median of {len(ids)}, from the facts to a stored row")
    say("score_merchant: pin, measure, look up references, score, store, commit", ours)
    say("bare SELECT of its transactions from their partition", bare)
    found = ratio("one score takes, in bare SELECTs", ours, bare)
    return Result(ratio=found, rival="time of a bare SELECT of the merchant's transactions")


def rows_of(merchant_id: int) -> int:
    """Read a merchant's rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM merchants_transaction WHERE merchant_id = %s", [merchant_id])
        return len(cursor.fetchall())


WORKLOADS = {"ingest": ingest, "measures": measures, "run": run, "single": single}
assert settings.DATABASES["default"]["NAME"] != "tradeline", "benchmarks have a database of their own"
