"""Measure decisions and a scoring run beside those of an older checkout, in processor time: its own and the server's.

`make beside BASE=directory`, a clone with its own `.venv`; the figures wanted are those against commit 368b6b5. Both
checkouts import one market into databases of their own and take turns. Every name used below is in both.
"""

# ruff: noqa: PLC0415 - the steps import what is in the checkout that does them

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import django

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, DECISIONS, TURNS = 8, 60, 3
COLLECTED = 400
"""So many loans more fall due at once: a job's own cost, and a tick of the clock, are small beside theirs."""
TICK = os.sysconf("SC_CLK_TCK")
TIME, MEDIAN = "milliseconds of processor time", "milliseconds, median"
BARE, PEAK = "milliseconds, median of bare queries", "peak megabytes"


def main() -> None:
    """Prepare both, let them take turns, say how ours stands to the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="the older checkout")
    parser.add_argument("--merchants", default="1000", help="of the simulated market")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step is not None:
        sys.stdout.write(json.dumps(STEPS[asked.step]()) + "\n")
        return
    checkouts = {"base": asked.base.resolve(), "ours": ROOT}
    market = ROOT / ".local" / "beside"
    simulate = ["manage.py", "simulate_marketplace", str(market), "--merchants", asked.merchants]
    environs = {name: _environ(root, market / name) for name, root in checkouts.items()}
    try:
        subprocess.run([sys.executable, *simulate], cwd=ROOT, env=environs["ours"], check=True)
        for name, root in checkouts.items():
            do(root, environs[name], "prepare")
        medians = {}
        for bench, number in (("run", TURNS), ("decision", TURNS), ("collection", 1)):
            turns = [{name: do(root, environs[name], bench) for name, root in checkouts.items()} for _ in range(number)]
            for key in turns[0]["ours"]:
                base, ours = (median(turn[name][key] for turn in turns) for name in ("base", "ours"))
                medians[bench, key] = base, ours
                sys.stdout.write(f"  {bench}: {key:<40}{base:10.1f} at the base{ours:10.1f} here\n")
        rates, times = medians["run", TIME], medians["decision", TIME]
        tell("run beside", rates[0] / rates[1], "merchants a second of the base, by processor time", 1.8)
        tell("decision beside", times[1] / times[0], "processor time of a decision of the base", 0.33)
        whole, bare = medians["decision", MEDIAN][1], medians["decision", BARE][0]
        tell("decision beside bare", whole / bare, f"the base's bare queries, at the median, {CLIENTS} clients", 1.5)
        base, ours = medians["collection", TIME]
        tell(
            "collection beside",
            ours / base,
            "processor time of the base to collect a due loan and book what came",
            0.25,
        )
    finally:
        for name, root in checkouts.items():
            do(root, environs[name], "remove")


def tell(bench: str, ratio: float, rival: str, target: float) -> None:
    """Write a line of JSON, as the other benchmarks end."""
    sys.stdout.write(json.dumps({"bench": bench, "ratio": round(ratio, 3), "rival": rival, "target": target}) + "\n")
    sys.stdout.flush()


def _environ(root: Path, data: Path) -> dict[str, str]:
    data.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(root),
        "LOOPBACK_DIR": str(data / "bank"),
    }


def do(root: Path, environ: Mapping[str, str], step: str) -> dict[str, float]:
    """Do a step in a checkout, by its own Python; the path of this file is not searched for modules."""
    command = [str(root / ".venv" / "bin" / "python"), "-P", __file__, ".", "--step", step]
    done = subprocess.run(command, cwd=root, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def prepare() -> dict[str, float]:
    """Import the market that lies above the data, publish a run, make offers and accounts."""
    from config import embedded

    embedded.start(Path.cwd(), os.environ)
    subprocess.run([sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"], check=True)
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from config.kernel.calendar import date_of
    from config.office.actors import SYSTEM
    from config.office.business_date import open_day
    from lending.management.borrowers import have_accounts
    from lending.operations.offers import start_round
    from merchants.models import Transaction
    from scoring.domain.scorecard import DAY_ONE_CARD
    from scoring.operations.versions import create_calibration, enter_scorecard

    now = timezone.now()
    with redirect_stdout(sys.stderr):
        call_command("import_marketplace", Path(os.environ["DATA"]).parent, settlement="ESCROW")
        enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=now)
        open_day(on=date_of(Transaction.objects.latest("day").day + 1), actor=SYSTEM, now=now)
        create_calibration(run_id=score_all(), actor=SYSTEM, now=now)
        score_all()
        call_command("enter_product", verbosity=0)
        start_round(actor=SYSTEM, now=now)
        work_off()
        have_accounts()
    return {}


def score_all() -> int:
    """Do a whole run in this process, all its jobs one after the other."""
    from django.utils import timezone

    from config.office.actors import SYSTEM
    from scoring.operations.runs import start_run

    run = start_run(actor=SYSTEM, now=timezone.now())
    work_off()
    return run.pk


def work_off() -> None:
    """Do the jobs that wait, and those that they queue."""
    from config.celery import app
    from config.office.models import JobRun

    app.autodiscover_tasks(["scoring", "lending"], force=True)
    while jobs := list(JobRun.objects.filter(state="WAITING").order_by("pk")):
        for job in jobs:
            app.tasks[job.name](job_id=job.pk)


def run() -> dict[str, float]:
    """Meter a whole run, the second of this process: the SQL is compiled."""
    django.setup()
    from scoring.models import Score

    score_all()
    found = metered(score_all)
    merchants = Score.objects.filter(run=Score.objects.latest("pk").run_id).count()
    return {TIME: found / merchants, PEAK: peak()}


def decision() -> dict[str, float]:
    """Meter some decisions of clients at once, then time the queries that no decision can do without, as bare ones.

    The next turn finds other offers open.
    """
    django.setup()
    from django.db import close_old_connections

    from lending.management.borrowers import accept_as_merchant
    from lending.models import Offer
    from tests.benchmarks.lending import read

    offers = list(Offer.objects.open().select_related("merchant__partner").order_by("pk")[: CLIENTS + DECISIONS])
    took = list[float]()

    def accept(offer: Offer) -> None:
        began = time.perf_counter()
        accept_as_merchant(offer)
        took.append(time.perf_counter() - began)
        close_old_connections()  # as at the end of a request: what the settings keep is kept

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(accept, offers[:CLIENTS]))
        took.clear()
        used = metered(lambda: list(pool.map(accept, offers[CLIENTS:])))
        bare = list(pool.map(read, offers))
    return {TIME: used / DECISIONS, MEDIAN: 1_000 * median(took), BARE: 1_000 * median(bare)}


def collection() -> dict[str, float]:
    """Pay out what is accepted, go on to the day on which it falls due, and meter what collects and books it."""
    django.setup()
    from datetime import timedelta
    from itertools import islice

    from django.db.models import Min
    from django.utils import timezone

    from config.celery import app
    from config.office.actors import SYSTEM
    from config.office.business_date import get_business_date, open_day
    from config.office.models import JobRun
    from lending.management.borrowers import accept_as_merchant
    from lending.models import Loan, Offer, Transfer
    from lending.operations.day_close import close_day

    app.autodiscover_tasks(["scoring", "lending"], force=True)
    for offer in islice(Offer.objects.open().select_related("merchant__partner").order_by("pk"), COLLECTED):
        accept_as_merchant(offer)
    app.tasks["lending.settle_transfers"]()
    due = Loan.objects.filter(status="ACTIVE").aggregate(first=Min("next_due"))["first"]
    used, today = 0.0, get_business_date()
    assert today is not None

    def collect(jobs: list[JobRun]) -> None:
        for job in jobs:
            app.tasks[job.name](job_id=job.pk)

    while today <= due:
        today += timedelta(days=1)
        open_day(on=today, actor=SYSTEM, now=timezone.now())
        close = close_day(actor=SYSTEM, now=timezone.now())
        if close.day == due:
            jobs = list(JobRun.objects.filter(name="lending.collect_dues", subject_id=close.pk))
            used = metered(partial(collect, jobs))
        work_off()
    return {TIME: used / Transfer.objects.filter(kind="COLLECTION", on=due, state="DONE").count()}


def metered(work: Callable[[], object]) -> float:
    """Return the processor time of this process and of the server, in milliseconds, that the work took."""
    before = time.process_time() + served()
    work()
    return 1_000 * (time.process_time() + served() - before)


def served() -> float:
    """Sum the processor time of the database server: of its processes that run, and of those that ended."""
    from config import embedded

    where = embedded.addresses(Path.cwd(), os.environ)
    [server] = embedded._servers(embedded._processes(where, "postgres"))  # noqa: SLF001 - in both checkouts
    ticks = sum(map(int, _stat(server)[11:15]))
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found = _stat(int(entry.name))
            ticks += int(found[11]) + int(found[12]) if found[1] == str(server) else 0
    return ticks / TICK


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def peak() -> float:
    """Return the peak memory of this process, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def remove() -> dict[str, float]:
    """Drop the database."""
    import psycopg

    from config import embedded

    where = embedded.addresses(Path.cwd(), os.environ)
    server = replace(where, database="postgres").database_url(embedded.Role.OWNER)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {where.database}")
    return {}


STEPS = {"prepare": prepare, "run": run, "decision": decision, "collection": collection, "remove": remove}

if __name__ == "__main__":
    main()
