"""Read batches, and what was known when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from config.db.locking import lock_name
from merchants.models import Batch, BatchIssue

ISSUES_AT_ONCE: Final = 2_000
COUNTS: Final = ("received", "accepted", "duplicate", "conflict", "rejected")
KNOWN = """
SELECT coalesce(max(number), 0) + 1,
    ARRAY(SELECT number FROM merchants_batch WHERE NOT (state = 'SEALED') ORDER BY number)
FROM merchants_batch
"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """What was known at a moment: every batch below `high` except those still open."""

    high: int
    open: tuple[int, ...]


def get_batch(*, partner_id: int, number: int) -> Batch:
    """Get a batch of the partner. Raises Batch.DoesNotExist."""
    return Batch.objects.get(partner_id=partner_id, number=number)


def issues_of(*, batch: Batch, after_line: int, limit: int) -> list[BatchIssue]:
    """List the batch's issues in order of lines, after the given line."""
    return list(BatchIssue.objects.filter(batch=batch, line__gt=after_line).order_by("line")[:limit])


def every_issue_of(*, batch: Batch) -> Iterator[BatchIssue]:
    """Yield all issues of the batch in order of lines, read in pages by key: no cursor is left open."""
    after = 0
    while page := issues_of(batch=batch, after_line=after, limit=ISSUES_AT_ONCE):
        yield from page
        after = page[-1].line


def sum_counts(batches: QuerySet[Batch]) -> dict[str, int]:
    """Sum the counts of batches; those that are not sealed yet have received and rejected rows only."""
    found = batches.aggregate(*(Sum(name, default=0) for name in COUNTS))
    return {name: found[f"{name}__sum"] for name in COUNTS}


def lock_batch_numbers() -> int:
    """Lock the numbering of batches until the transaction ends, and return the next number. Raises NoTransaction.

    One lock for the whole table: numbers are assigned one at a time.
    """
    lock_name("merchants.batch_numbers")
    # A new statement, after the lock: it sees every number assigned before.
    last = Batch.objects.order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def current_watermark() -> Watermark:
    """Return what is known now, in a transaction of its own."""
    with transaction.atomic():
        return take_watermark()


def take_watermark() -> Watermark:
    """Return what is known now, in one transaction with numbering, so that no lower number appears later."""
    lock_name("merchants.batch_numbers")
    return known_now()  # a new statement, after the lock


def known_now() -> Watermark:
    """Return what is known now without blocking the numbering: for display, not to be pinned."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN)
        high, unsealed = cursor.fetchone()
    return Watermark(high, tuple(unsealed))


def is_settled(*, before: datetime) -> bool:
    """Check that no batch is being received or stored, and none was sealed at `before` or later."""
    return not Batch.objects.unsealed().exists() and not Batch.objects.filter(sealed_at__gte=before).exists()
