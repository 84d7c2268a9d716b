"""Receive transactions: number a batch, stage its rows, store them and seal it.

Numbering is a transaction of its own, so that numbers rise in the order of commits. Staging commits the rows
as received, with a job that stores them; from then on nothing is lost, whichever process dies.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from config.db.transactions import Contended, operation, require_one, require_transaction
from config.office.actors import SYSTEM, Actor
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, NotYet, finish_job, limit_statements_to_lease, queue_jobs
from merchants.domain.correction import Correction, RowId, judge_corrections
from merchants.domain.text import storable
from merchants.domain.transaction import RawRow, RowRejection, TransactionRow, judge_row
from merchants.models import Batch, BatchIssue
from merchants.models.batch import BatchState, IssueKind
from merchants.operations.feed_days import CountedRows, add_to_feed
from merchants.queries.batches import lock_batch_numbers
from merchants.queries.merchants import known_merchants

FILL = "merchants.fill_batch"
MAX_ROWS = 100_000  # a batch: more would hold its transaction, and its worker's lease, for too long
CLOCK_SKEW = timedelta(days=1)
FORGOTTEN_AFTER = timedelta(hours=1)  # a batch is numbered just before it is staged, which takes seconds
ROW_FIELDS = tuple(TransactionRow.__dataclass_fields__)
STAGE = f"COPY merchants_stagedrow (batch_id, line, {', '.join(ROW_FIELDS)}) FROM STDIN"
CONTENT = "order_ref, kind, occurred_at, amount_minor, buyer, value, channel"
STORED = f"merchant_id, batch_id, external_id, day, {CONTENT}, corrects, recorded_day"
# Sorted by merchant: unsorted, the same insert into 32 partitions takes twice as long.
STORE = f"""
WITH stored AS (
INSERT INTO merchants_transaction ({STORED})
SELECT DISTINCT ON (merchant_id, external_id COLLATE "C") {STORED}
FROM merchants_stagedrow WHERE batch_id = %(batch)s AND {{chosen}}
ORDER BY merchant_id, external_id COLLATE "C", line
ON CONFLICT (merchant_id, external_id) DO NOTHING
RETURNING merchant_id, day, kind, amount_minor)
SELECT s.day, s.kind, m.currency, count(*), sum(s.amount_minor)
FROM stored s JOIN merchants_merchant m ON m.id = s.merchant_id GROUP BY s.day, s.kind, m.currency
"""  # noqa: S608 - constants only
STORE_PLAIN = STORE.format(chosen="corrects = ''")
STORE_CORRECTIONS = STORE.format(chosen="line = ANY(%(lines)s)")
CORRECTIONS = """
SELECT line, merchant_id, external_id, corrects FROM merchants_stagedrow
WHERE batch_id = %(batch)s AND corrects <> '' ORDER BY line
"""
# Locked in one order, so that two batches that correct the same rows wait for each other and never both.
KNOWN = """
SELECT t.merchant_id, t.external_id, t.superseded_in IS NOT NULL
FROM merchants_transaction t JOIN unnest(%(merchants)s::bigint[], %(ids)s::text[]) named (merchant_id, external_id)
    ON t.merchant_id = named.merchant_id AND t.external_id = named.external_id
ORDER BY t.merchant_id, t.id FOR UPDATE OF t
"""
SUPERSEDE = """
WITH superseded AS (
UPDATE merchants_transaction t SET superseded_in = %(batch)s
FROM unnest(%(merchants)s::bigint[], %(ids)s::text[]) named (merchant_id, external_id)
WHERE t.merchant_id = named.merchant_id AND t.external_id = named.external_id AND t.superseded_in IS NULL
RETURNING t.merchant_id, t.day, t.kind, t.amount_minor, t.batch_id)
SELECT s.day, s.kind, m.currency, -count(*), -sum(s.amount_minor), b.sealed_at
FROM superseded s JOIN merchants_merchant m ON m.id = s.merchant_id JOIN merchants_batch b ON b.number = s.batch_id
GROUP BY s.day, s.kind, m.currency, b.sealed_at
"""
# A row that was not inserted equals the stored one (a duplicate), or does not (a conflict).
REPORT_CONFLICTS = f"""
INSERT INTO merchants_batchissue (batch_id, line, kind, reason, external_id, detail, stored, received)
SELECT s.batch_id, s.line, 'CONFLICT', 'CONFLICT', s.external_id, '', to_jsonb(known), to_jsonb(sent)
FROM merchants_stagedrow s
JOIN merchants_transaction t ON t.merchant_id = s.merchant_id AND t.external_id = s.external_id
CROSS JOIN LATERAL (SELECT {", ".join("t." + column for column in CONTENT.split(", "))}, t.corrects, t.batch_id) known
CROSS JOIN LATERAL (SELECT {", ".join("s." + column for column in CONTENT.split(", "))}, s.corrects) sent
WHERE s.batch_id = %(batch)s AND s.line <> ALL(%(refused)s)
    AND (({", ".join("t." + column for column in CONTENT.split(", "))})
    IS DISTINCT FROM ({", ".join("s." + column for column in CONTENT.split(", "))})
    OR s.corrects NOT IN ('', t.corrects)) -- a correction may come again as a plain row, as an export writes it
"""  # noqa: S608


def receive_batch(
    *,
    partner_id: int,
    source: str,
    rows: Sequence[tuple[int, RawRow]],
    needs_offset: bool = False,
    actor: Actor,
    now: datetime,
) -> Batch:
    """Judge at most MAX_ROWS rows, each with its line, and stage them as a batch of their own.

    needs_offset: a time without one is rejected, not read in the business time zone.
    Raises ValueError for too many rows, Contended.
    """
    if len(rows) > MAX_ROWS:
        message = f"{len(rows)} rows, at most {MAX_ROWS}"
        raise ValueError(message)
    names = {raw["merchant"] for _, raw in rows if not isinstance(raw, str) and storable(raw.get("merchant", ""))}
    merchants = known_merchants(partner_id=partner_id, external_ids=names)
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)

    def judged() -> Iterator[tuple[int, TransactionRow | RowRejection]]:
        for line, raw in rows:
            yield (
                line,
                judge_row(raw, merchants=merchants, latest=now + CLOCK_SKEW, zone=zone, needs_offset=needs_offset),
            )

    batch = open_batch(partner_id=partner_id, source=source, actor=actor, now=now)
    return stage_batch(number=batch.number, rows=judged(), actor=actor, now=now)


def open_batch(*, partner_id: int, source: str, actor: Actor, now: datetime, upload_id: int | None = None) -> Batch:
    """Create the next batch, with its number; upload_id: the uploaded file that it is of. Raises Contended."""
    with operation():
        return Batch.objects.create(
            number=lock_batch_numbers(),
            partner_id=partner_id,
            source=source[:200],
            upload_id=upload_id,
            state=BatchState.OPEN,
            opened_by=str(actor),
            opened_at=now,
        )


def stage_batch(
    *, number: int, rows: Iterable[tuple[int, TransactionRow | RowRejection]], actor: Actor, now: datetime
) -> Batch:
    """Stage the rows of an open batch, each with its line, and queue the job that stores them.

    Raises StaleRow if the batch was staged before, Contended.
    """
    values_of = attrgetter(*ROW_FIELDS)
    received = 0
    rejections = []
    with operation():
        with connection.cursor() as cursor, cursor.copy(STAGE) as copy:
            for line, row in rows:
                received += 1
                if isinstance(row, RowRejection):
                    rejections.append((line, row))
                else:
                    copy.write_row((number, line, *values_of(row)))
        keep_rejections(number=number, rejections=rejections)
        mark_staged(number=number, received=received, rejected=len(rejections), actor=actor, now=now)
        return Batch.objects.get(number=number)


def keep_rejections(*, number: int, rejections: Iterable[tuple[int, RowRejection]]) -> None:
    """Keep why rows of a batch are not stored, in the caller's transaction. Raises NoTransaction."""
    require_transaction()
    issues = (
        BatchIssue(batch_id=number, line=line, kind=IssueKind.REJECTED, **asdict(row)) for line, row in rejections
    )
    BatchIssue.objects.bulk_create(issues, batch_size=5_000)


def mark_staged(*, number: int, received: int, rejected: int, actor: Actor, now: datetime) -> None:
    """Queue, in the caller's transaction, the job that stores the rows of an open batch.

    Raises StaleRow if the batch was staged or sealed before, NoTransaction.
    """
    opened = Batch.objects.filter(number=number, state=BatchState.OPEN)
    require_one(opened.update(state=BatchState.STAGED, received=received, rejected=rejected))
    queue_jobs(name=FILL, subject_id=number, parts=[0], actor=actor, now=now)


def fill_batch(*, claim: Claim, clock: Clock) -> None:
    """Store the staged rows of the claimed batch, report duplicates and conflicts, and seal it.

    All in one transaction with the job's end: killed anywhere, it starts over, or was done.
    Raises StaleRow if another worker was faster, Contended, NotYet.
    """
    with operation():
        limit_statements_to_lease()
        batch = Batch.objects.filter(number=claim.subject_id).lock().get()
        with connection.cursor() as cursor:
            stored = _counted(cursor, STORE_PLAIN, {"batch": batch.number})
            corrected, superseded, refused = _correct(cursor, batch)
            accepted, conflicts = sum(came.rows for came in [*stored, *corrected]), 0
            staged = batch.received - batch.rejected
            if accepted + len(refused) < staged:
                cursor.execute(REPORT_CONFLICTS, {"batch": batch.number, "refused": refused})
                conflicts = cursor.rowcount
            cursor.execute("DELETE FROM merchants_stagedrow WHERE batch_id = %s", [batch.number])
        now = clock()
        add_to_feed(partner_id=batch.partner_id, counted=[*stored, *corrected, *superseded], now=now)
        require_one(
            Batch.objects.filter(number=batch.number, state=BatchState.STAGED).update(
                state=BatchState.SEALED,
                accepted=accepted,
                conflict=conflicts,
                duplicate=staged - accepted - conflicts - len(refused),
                rejected=batch.rejected + len(refused),
                sealed_at=now,
            )
        )
        finish_job(claim=claim, done=batch.received, now=now)


def _counted(cursor: CursorWrapper, statement: str, parameters: Mapping[str, Any]) -> list[CountedRows]:
    cursor.execute(statement, parameters)
    return [CountedRows(*row) for row in cursor.fetchall()]


def _correct(cursor: CursorWrapper, batch: Batch) -> tuple[list[CountedRows], list[CountedRows], list[int]]:
    """Store the batch's corrections and supersede what they correct; return both, and the lines that are refused.

    Raises Contended, NotYet where what one of them corrects may come with an older batch.
    """
    cursor.execute(CORRECTIONS, {"batch": batch.number})
    sent = [
        Correction(line=line, row=(merchant, external_id), corrected=(merchant, corrects))
        for line, merchant, external_id, corrects in cursor.fetchall()
    ]
    if not sent:
        return [], [], []
    cursor.execute(KNOWN, _named(row for correction in sent for row in (correction.row, correction.corrected)))
    is_superseded = {(merchant, external_id): superseded for merchant, external_id, superseded in cursor.fetchall()}
    found = judge_corrections(sent, is_superseded=is_superseded)
    older = Batch.objects.unsealed().filter(partner=batch.partner_id, number__lt=batch.number)
    if found.lacks_rows and older.exists():
        raise NotYet
    lines = [correction.line for correction in found.accepted]
    stored = _counted(cursor, STORE_CORRECTIONS, {"batch": batch.number, "lines": lines})
    if sum(came.rows for came in stored) != len(lines):  # another batch has just stored a row under the id of one
        raise Contended
    corrected = _named(correction.corrected for correction in found.accepted)
    superseded = _counted(cursor, SUPERSEDE, {"batch": batch.number, **corrected})
    by_line = {correction.line: correction for correction in sent}
    BatchIssue.objects.bulk_create(
        BatchIssue(
            batch=batch,
            line=line,
            kind=IssueKind.REJECTED,
            reason=reason,
            external_id=by_line[line].row[1],
            detail=by_line[line].corrected[1],
            received={"external_id": by_line[line].row[1], "corrects": by_line[line].corrected[1]},
        )
        for line, reason in found.refused.items()
    )
    return stored, superseded, list(found.refused)


def _named(rows: Iterable[RowId]) -> dict[str, list[int] | list[str]]:
    named = sorted(set(rows))
    return {"merchants": [merchant for merchant, _ in named], "ids": [external_id for _, external_id in named]}


def seal_forgotten_batches(*, now: datetime) -> int:
    """Seal, empty, the batches whose receiver died before staging their rows; return how many. Raises Contended.

    The sender got no reply and sends the rows again. A receiver that wakes up later gets StaleRow.
    """
    with operation():
        forgotten = Batch.objects.filter(state=BatchState.OPEN, opened_at__lt=now - FORGOTTEN_AFTER)
        batches = list(forgotten.lock())
        forgotten.filter(pk__in=[batch.pk for batch in batches]).update(state=BatchState.SEALED, sealed_at=now)
        for batch in batches:
            record_event(
                name="merchants.seal_forgotten_batch",
                subject=batch,
                actor=SYSTEM,
                before={"state": batch.state},
                after={"state": BatchState.SEALED},
                now=now,
            )
        return len(batches)
