"""What is measured of the indexes that were dropped: how long a row takes to insert with each of them, and without."""

from collections.abc import Iterator
from importlib import import_module

from django.db import connections

from lending.models import Loan
from lending.tasks import settle_transfers
from merchants.models import Batch, BatchIssue, Owner, Partner
from merchants.models.batch import IssueKind
from tests.benchmarks.lending import accept, make_offers
from tests.benchmarks.nights import next_day
from tests.benchmarks.results import Result, say, timed

ROWS = 100_000
TIMES = 3
FEW = {"batch_id", "close_id", "credit_id", "debit_id", "partner_id", "product_id", "run_id"}
"""The columns that have few values, each many times; the others have about as many as there are rows."""


def dropped() -> Iterator[tuple[str, str, str]]:
    """Yield the name, table and column of each index; of a text's two, the first."""
    names = [*lending.DROPPED, *merchants.DROPPED, *scoring.DROPPED]
    for name in names:
        if not name.endswith("_like"):
            app, model, column = name.rpartition("_")[0].split("_", 2)
            yield name, f"{app}_{model}", column


lending, merchants, scoring = (
    import_module(f"{app}.migrations.{name}")
    for app, name in (
        ("lending", "0013_indexes"),
        ("merchants", "0014_fewer_indexes"),
        ("scoring", "0009_figures_of_runs"),
    )
)


def fill() -> None:
    """Let every table of theirs hold a row."""
    if not Loan.objects.active().exists():
        for offer in make_offers()[0][:2]:
            accept(offer)
    settle_transfers()
    next_day({})
    Owner.objects.create(partner=Partner.objects.earliest("pk"), external_ref="bench")
    issue = {"kind": IssueKind.REJECTED, "reason": "AMOUNT", "detail": "of a benchmark"}
    BatchIssue.objects.create(batch=Batch.objects.earliest("pk"), line=1_000_000, **issue)


def indexes() -> Result:
    """Insert copies of a row into a table of the same columns, without any index and with the one that was dropped."""
    fill()
    say(f"\nIndexes that were dropped: {ROWS:,} rows, best of {TIMES}, microseconds a row without and with each")
    whole = {"without": 0.0, "with": 0.0}
    with connections["owner"].cursor() as cursor:
        for name, table, column in dropped():
            value = "1 + i % 10" if column in FEW else f"1 + (i * 7919) % {ROWS}"
            cursor.execute(
                "DROP TABLE IF EXISTS bench_rows, bench_copies;"
                " CREATE TABLE bench_rows AS"
                f" SELECT (jsonb_populate_record(one.row, jsonb_build_object('{column}', {value}))).*"
                f" FROM (SELECT {table} AS row FROM {table} LIMIT 1) one, generate_series(1, {ROWS}) i;"
                f" CREATE TABLE bench_copies (LIKE {table})"
            )

            def insert() -> None:
                cursor.execute("TRUNCATE bench_copies")
                cursor.execute("INSERT INTO bench_copies SELECT * FROM bench_rows")

            times = {"without": timed(insert, TIMES)}
            cursor.execute(f"CREATE INDEX ON bench_copies ({column})")
            times["with"] = timed(insert, TIMES)
            say(f"  {name:<56}{1e6 * times['without'] / ROWS:8.2f}{1e6 * times['with'] / ROWS:8.2f}")
            whole = {key: whole[key] + times[key] for key in whole}
        cursor.execute("DROP TABLE bench_rows, bench_copies")
    return Result(ratio=whole["with"] / whole["without"], rival="time of the same rows without the index")


WORKLOADS = {"indexes": indexes}
