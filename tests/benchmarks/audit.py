"""What is measured of the audit trail: recording events, sealing and verifying them, beside bare statements."""

import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Final

from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.events import Fact, record_event, record_events
from config.office.seal_files import write_seals
from config.office.seals import seal_waiting
from merchants.domain.transaction import Settlement
from merchants.models import Partner
from merchants.operations.partners import enter_partner
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
ONE_BY_ONE, AT_ONCE, TIMES = 500, 5_000, 5
AFTER: Final[Mapping[str, Fact]] = {"status": "ACTIVE", "amount_minor": 700}


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


def events() -> Result:
    """Record events as operations do, signed; beside bare INSERTs of the same by the owner, who signs none."""
    partner = enter_partner(code="b", name="B", settlement=Settlement.IMMEDIATE, actor=SYSTEM, now=timezone.now())
    say(f"\nEvents recorded: {ONE_BY_ONE:,} one by one, then {AT_ONCE:,} at once, best of {TIMES}")
    single = timed(lambda: one_by_one(partner), TIMES)
    say("one by one, signed, in one transaction", single, events=ONE_BY_ONE)
    many = timed(lambda: at_once(partner), TIMES)
    say("at once, signed", many, events=AT_ONCE)
    bare = timed(lambda: record(AT_ONCE), TIMES)
    say("bare INSERT of as many by the owner, in one statement", bare, events=AT_ONCE)
    say(f"  = of the bare INSERT: {many / bare:.1f}")
    return Result(ratio=many / bare, rival="time of a bare INSERT of as many, which signs none")


def one_by_one(partner: Partner) -> None:
    with operation():
        for _ in range(ONE_BY_ONE):
            record_event(name="a.b", subject=partner, actor=SYSTEM, before={}, after=AFTER, now=timezone.now())


def at_once(partner: Partner) -> None:
    with operation():
        nothing: Mapping[str, Fact] = {}
        changes = [(partner, nothing, AFTER)] * AT_ONCE
        record_events(name="a.b", changes=changes, actor=SYSTEM, now=timezone.now())


def record(number: int) -> None:
    """Record events as the owner of the tables, who signs none."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(FILL, [number])


WORKLOADS = {"events": events, "seals": seals}
