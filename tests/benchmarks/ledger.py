"""What is measured of the ledger: its export beside a bare COPY, and the trial balance beside the bare sum.

The postings are written by SQL: so many a day over two years, all but the last day proven and summed.
"""

import gc
import os
from contextlib import redirect_stdout
from datetime import date, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from config.office.actors import SYSTEM
from lending.domain.origination.product_document import DAY_ONE_PRODUCT
from lending.models import Posting
from lending.operations.day_sums import keep_sums
from lending.operations.products import enter_product
from lending.queries.ledger import trial_balance
from tests.benchmarks.results import DIRECTORY, Result, peak, say, timed

POSTINGS = int(os.environ.get("POSTINGS", "1000000"))
PART = 1_000_000
"""Entries at once."""
DAYS = 730
FIRST = date(2024, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
TIMES = 3
ACCOUNTS = ("PRINCIPAL", "INTEREST_RECEIVABLE", "COLLECTION_CLEARING", "PAYOUT_CLEARING", "INTEREST_INCOME")
CLOSES = """
INSERT INTO lending_dayclose (day, state, parts, loans, last_loan, last_event, accrued_loans, drifted, started_by,
    started_at, finished_at)
SELECT %(first)s::date + i, CASE WHEN i < %(days)s - 1 THEN 'PROVEN' ELSE 'BROKEN' END, 1, 0, 0, 0, 0, '{}',
    'system:0', now(), now()
FROM generate_series(0, %(days)s - 1) i
"""
ENTRIES = """
INSERT INTO lending_entry (id, code, effective_date, booked_at, close_id, product_id)
SELECT i, 'ACCRUAL', c.day, now(), c.id, %(product)s
FROM generate_series(%(first_entry)s, %(last_entry)s) i
JOIN lending_dayclose c ON c.day = %(first)s::date + (i::bigint * %(days)s / (%(entries)s + 1))::int
"""
SIDES = """
INSERT INTO lending_posting (entry_id, debit_id, credit_id, currency, amount_minor)
SELECT (i + 1) / 2, (%(accounts)s::text[])[1 + i %% 5], (%(accounts)s::text[])[1 + (i + 1 + i / 5 %% 4) %% 5], 'CNY',
    1 + i::bigint * 7919 %% 1000000
FROM generate_series(%(first_entry)s * 2 - 1, %(last_entry)s * 2) i
"""
# What is measured only reads; a check of each row's references would take most of the time to write them.
UNREFERENCED = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS held, conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN ('lending_entry'::regclass, 'lending_posting'::regclass) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.held, c.conname);
    END LOOP;
END $$
"""
BARE = """
COPY (SELECT p.*, e.code, e.effective_date, e.booked_at, e.loan_id, e.product_id
    FROM lending_entry e JOIN lending_posting p ON p.entry_id = e.id ORDER BY e.effective_date, e.id, p.id) TO STDOUT
"""
TABLE = "COPY lending_posting TO STDOUT"
SUM = """
SELECT account, currency, sum(amount) FROM (
    SELECT debit_id AS account, currency, amount_minor AS amount FROM lending_posting
    UNION ALL SELECT credit_id, currency, -amount_minor FROM lending_posting
) sides GROUP BY account, currency
"""


def fill() -> None:
    """Write the postings, two an entry, unless they are there."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    if Posting.objects.exists():
        return
    product = enter_product(text=DAY_ONE_PRODUCT.read_text(), actor=SYSTEM, now=timezone.now())
    asked: dict[str, Any] = {
        "first": FIRST,
        "days": DAYS,
        "entries": POSTINGS // 2,
        "product": product.pk,
        "accounts": list(ACCOUNTS),
    }
    run(CLOSES, asked)
    with connections["owner"].cursor() as cursor:
        cursor.execute(UNREFERENCED)
    for first in range(1, POSTINGS // 2 + 1, PART):
        part = {"first_entry": first, "last_entry": min(first + PART - 1, POSTINGS // 2)}
        run(ENTRIES, asked | part)
        run(SIDES, asked | part)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        keep_sums()


def run(statement: str, asked: dict[str, Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(statement, asked)


def ledger() -> Result:
    """Export the ledger in each format; beside a bare COPY of the same postings and entries, in the same order."""
    fill()
    rows = Posting.objects.count()
    say(f"\nExport of the ledger: {rows:,} postings of {rows // 2:,} entries, in one process, best of {TIMES}")
    bare = timed(partial(copy, BARE), TIMES)
    say("bare COPY of postings and entries, in the order of dates", bare, postings=rows)
    say("bare COPY of the table of postings alone", timed(partial(copy, TABLE), TIMES), postings=rows)
    found, worst = peak(), 0.0
    for kind in ("csv", "hledger", "beancount", "parquet"):
        path = DIRECTORY / f"ledger.{kind}"
        seconds = timed(partial(export, kind, path), TIMES)
        say(f"export ledger --format {kind}, {path.stat().st_size / 1e6:,.0f} MB", seconds, postings=rows)
        say(f"    = in bare COPYs: {seconds / bare:.2f}; peak memory {peak():,.0f} MB, {peak() - found:,.0f} MB more")
        worst, found = max(worst, seconds / bare), peak()
    return Result(ratio=worst, rival="time of a bare COPY of the same postings, by the slowest format", target=3.0)


def trial() -> Result:
    """Make the trial balance of the last month; beside one bare sum over all postings."""
    fill()
    rows, first = Posting.objects.count(), LAST.replace(day=1)
    say(f"\nTrial balance: {rows:,} postings over {DAYS} days, the last of which is not proven, best of {TIMES}")
    read = timed(partial(trial_balance, first, LAST), TIMES)
    say("trial balance of the last month", read)
    say("trial balance of both years", timed(partial(trial_balance, FIRST, LAST), TIMES))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        bare = timed(partial(cursor.execute, SUM))
    say("bare sum of all postings by account", bare, postings=rows)
    say(f"  = of the bare sum: {read / bare:.4f}")
    return Result(ratio=read / 0.3, rival="300 ms", target=1.0)


def copy(statement: str) -> None:
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        (DIRECTORY / "bare").open("wb") as file,
    ):
        cursor.execute("SET LOCAL statement_timeout = 0")
        with cursor.copy(statement) as rows:
            for row in rows:
                file.write(row)


def export(kind: str, path: Path) -> None:
    with redirect_stdout(StringIO()):
        call_command("export", "ledger", format=kind, to=path)
    gc.collect()


WORKLOADS = {"ledger": ledger, "trial": trial}
