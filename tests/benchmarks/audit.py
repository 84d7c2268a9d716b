"""What is measured of the audit trail: sealing and verifying it, beside a bare COPY of its events."""

import os
from contextlib import redirect_stdout
from io import StringIO

from django.core.management import call_command
from django.db import connections, transaction

from config.office.seal_files import write_seals
from config.office.seals import seal_waiting
from tests.benchmarks.ledger import copy
from tests.benchmarks.results import DIRECTORY, Result, peak, say, timed

EVENTS = int(os.environ["ROWS"])
FILL = """
INSERT INTO office_operationevent (name, subject, actor, before, after, booked_at)
SELECT 'lending.book_event', 'lending.loan:' || i, 'system:0', jsonb_build_object('status', 'ACTIVE', 'seq', i),
    jsonb_build_object('status', 'ACTIVE', 'seq', i + 1, 'amount_minor', i * 7919 %% 1000000), now()
FROM generate_series(1, %s::bigint) i
"""
BARE = "COPY (SELECT * FROM office_operationevent ORDER BY id) TO STDOUT"
FEW = 1_000


def seals() -> Result:
    """Seal and verify events; beside a bare COPY of the same events into a file by the same driver."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    record(EVENTS)
    before = peak()
    sealed = timed(seal_waiting)
    written = timed(lambda: write_seals(DIRECTORY / "seals.jsonl"))
    record(FEW)
    few = timed(seal_waiting)
    with redirect_stdout(StringIO()):
        verified = timed(lambda: call_command("verify_audit", seals=DIRECTORY / "seals.jsonl"))
    bare = timed(lambda: copy(BARE), times=3)
    say(f"\nThe audit trail: {EVENTS:,} events, in one process")
    say("sealed", sealed, events=EVENTS)
    say("the seals written to a file, and forced to the disk", written)
    say(f"{FEW:,} events more sealed, on top of these", few, events=FEW)
    say("verified: every seal computed again, and compared with the file", verified, events=EVENTS + FEW)
    say("bare COPY of the events", bare, events=EVENTS + FEW)
    say(f"  = in bare COPYs: {verified / bare:.2f}")
    say(f"  peak memory of this process {peak():,.0f} MB, {peak() - before:,.0f} MB more than before")
    return Result(ratio=verified / bare, rival="time of a bare COPY of the same events, to verify them")


def record(number: int) -> None:
    """Record events as the owner of the tables, who signs none."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(FILL, [number])


WORKLOADS = {"seals": seals}
