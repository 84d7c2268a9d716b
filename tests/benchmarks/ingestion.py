"""What is measured of ingestion: a file of transactions, beside the bare statement that stores the same rows."""

import os
import resource
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Self

from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.job_runs import run_job
from config.office.models import JobRun
from merchants.domain.transaction import COLUMNS
from merchants.gateways.feed_blocks import blocks_of
from merchants.gateways.feed_files import open_feed_file
from merchants.models import Batch, Partner, Transaction
from merchants.operations.file_ingestion import receive_block
from merchants.operations.ingestion import FILL, MAX_ROWS, STORED, fill_batch
from tests.benchmarks.results import DIRECTORY, Result, say

ROWS = int(os.environ["ROWS"])
TIMES = 3 if ROWS <= 2_000_000 else 1
FEWEST_ROWS = 500  # of a simulated merchant, on average more
BARE = f"""
INSERT INTO merchants_transaction ({STORED})
SELECT {STORED} FROM bench_rows WHERE batch_id = %s ORDER BY merchant_id, external_id
ON CONFLICT (merchant_id, external_id) DO NOTHING
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: of the processor, in this process and in its server's backend, and of the clock."""

    process: float
    backend: float
    wall: float

    @classmethod
    def so_far(cls) -> Self:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [backend] = cursor.fetchone()
        spent = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
        own = os.times()
        return cls(own.user + own.system, (int(spent[11]) + int(spent[12])) / TICKS, time.perf_counter())

    @classmethod
    def of(cls, work: Callable[[], object]) -> Self:
        before = cls.so_far()
        work()
        after = cls.so_far()
        return cls(after.process - before.process, after.backend - before.backend, after.wall - before.wall)

    @property
    def processor(self) -> float:
        return self.process + self.backend


def ingest() -> Result:
    """Read, judge, store and seal a file of transactions; insert the same rows by bare statements, in turns."""
    path = write_market(DIRECTORY / "ingest")
    partner = Partner.objects.get(code="ingest")
    ours, bare, peak = [], [], 0.0
    for _ in range(TIMES):
        empty()
        ours.append(Cost.of(lambda: through_the_pipeline(path, partner)))
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        batches = put_aside()
        bare.append(Cost.of(partial(insert, batches)))
        assert Transaction.objects.count() == ROWS
    say(
        f"\nIngest: {ROWS:,} transactions from a CSV file, one process; seconds of process and backend, best of {TIMES}"
    )
    for words, costs in (
        ("read, judge, store, seal", ours),
        ("bare sorted INSERT ON CONFLICT of the same rows", bare),
    ):
        say(f"  processor, turn by turn: {', '.join(f'{cost.processor:.2f}' for cost in costs)}")
        for kind in ("processor", "process", "backend", "wall"):
            say(f"{words}: {kind}", of(costs, kind), rows=ROWS)
    say(f"  peak memory of this process {peak:,.0f} MB")
    say(f"  = rows a second of the clock, of the bare statement's: {of(bare, 'wall') / of(ours, 'wall'):.2f}")
    found = of(bare, "processor") / of(ours, "processor")
    rival = "rows a processor second of the bare sorted INSERT ON CONFLICT of the same rows into the same table"
    return Result(ratio=found, rival=rival, target=0.85)


def of(costs: list[Cost], kind: str) -> float:
    found: float = min(getattr(cost, kind) for cost in costs)  # whatever disturbs only adds
    return found


def write_market(directory: Path) -> Path:
    """Simulate so many rows, and enter their merchants."""
    path = directory / "transactions.csv"
    with redirect_stdout(StringIO()):
        call_command("simulate_marketplace", str(directory), merchants=ROWS // FEWEST_ROWS + 1)
        with path.open("rb") as whole, (directory / "cut.csv").open("wb") as cut:
            cut.writelines(islice(whole, ROWS + 1))
            whole.seek(0)
            (directory / "header.csv").write_bytes(whole.readline())
        (directory / "header.csv").rename(path)
        call_command("import_marketplace", str(directory), settlement="ESCROW")
    (directory / "cut.csv").rename(path)
    return path


def through_the_pipeline(path: Path, partner: Partner) -> None:
    """Do what import_marketplace does with transactions."""
    numbers = [
        receive_block(partner_id=partner.pk, source="bench", block=block, actor=SYSTEM, clock=timezone.now).number
        for block in blocks_of(open_feed_file(path, COLUMNS[:4]), wanted=COLUMNS, lines_a_block=MAX_ROWS)
    ]
    for job in JobRun.objects.filter(name=FILL, subject_id__in=numbers):
        run_job(job.pk, fill_batch)
    assert not Batch.objects.unsealed().exists()


def empty() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "TRUNCATE merchants_transaction, merchants_feedday, merchants_batchissue, merchants_batch CASCADE"
        )


def put_aside() -> list[int]:
    """Keep the stored rows in a plain table, in the order of the file, and empty the one they were in."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_rows")
        cursor.execute(
            f"CREATE TABLE bench_rows AS SELECT {STORED} FROM merchants_transaction"
            " ORDER BY batch_id, merchant_id, occurred_at"
        )
        cursor.execute("CREATE INDEX ON bench_rows (batch_id)")
        cursor.execute("GRANT SELECT ON bench_rows TO PUBLIC")
        cursor.execute("TRUNCATE merchants_transaction")
        cursor.execute("VACUUM ANALYZE bench_rows")
        cursor.execute("SELECT DISTINCT batch_id FROM bench_rows ORDER BY 1")
        return [number for (number,) in cursor.fetchall()]


def insert(batches: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '64MB'")  # nothing goes to the disk in between
        for batch in batches:
            cursor.execute(BARE, [batch])
        cursor.execute("RESET work_mem")


WORKLOADS = {"ingest": ingest}
