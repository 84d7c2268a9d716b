"""Receive blocks of a file: judge them in columns, and store them at once if no row of them is known.

Rows and the sealing of their batch are one transaction: killed anywhere, it left an open, empty batch, or was done.
"""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import connection, transaction
from psycopg import errors

from config.db.transactions import RETRYABLE, operation, require_one
from config.office.actors import Actor
from config.office.job_runs import Clock
from merchants.domain.text import storable
from merchants.domain.transaction import KnownMerchant
from merchants.domain.transaction_columns import ROWS, judge_in_both_lanes
from merchants.gateways.feed_blocks import FeedBlock
from merchants.models import Batch
from merchants.models.batch import BatchState
from merchants.operations.feed_days import CountedRows, add_to_feed
from merchants.operations.ingestion import CLOCK_SKEW, MAX_ROWS, keep_rejections, mark_staged, open_batch
from merchants.queries.merchants import known_merchants

STAGED = ("line", *ROWS.names)
STORED = tuple(name for name in ROWS.names if name != "corrects")
COPY = "COPY {table} (batch_id, {columns}) FROM STDIN"
PIECE = 2**20
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}  # the backslash first


def receive_block(
    *, partner_id: int, source: str, block: FeedBlock, actor: Actor, clock: Clock, upload_id: int | None = None
) -> Batch:
    """Judge at most MAX_ROWS rows of a file, and store and seal them as a batch of their own.

    If a row is known, corrects another, or is held by someone else, all are staged instead, with the job that stores
    them. Raises ValueError for too many rows, StaleRow if the batch was sealed as forgotten meanwhile, Contended.
    """
    if len(block) > MAX_ROWS:
        message = f"{len(block)} rows, at most {MAX_ROWS}"
        raise ValueError(message)
    now = clock()
    names = {*pc.unique(block.cells["merchant"]).to_pylist()}
    names |= {raw["merchant"] for _, raw in block.others if not isinstance(raw, str) and storable(raw["merchant"])}
    merchants = known_merchants(partner_id=partner_id, external_ids=names)
    rows, rejections = judge_in_both_lanes(
        block.cells,
        block.lines,
        block.others,
        merchants=merchants,
        latest=now + CLOCK_SKEW,
        zone=ZoneInfo(settings.BUSINESS_TIME_ZONE),
    )
    number = open_batch(partner_id=partner_id, source=source, actor=actor, now=now, upload_id=upload_id).number
    counts = {"received": len(block), "rejected": len(rejections)}
    with operation():
        keep_rejections(number=number, rejections=rejections)
        if _is_stored(number, rows):
            opened = Batch.objects.filter(number=number, state=BatchState.OPEN)
            sealed_at = clock()
            add_to_feed(partner_id=partner_id, counted=_count_rows(rows, merchants.values()), now=sealed_at)
            require_one(opened.update(state=BatchState.SEALED, accepted=rows.num_rows, sealed_at=sealed_at, **counts))
        else:
            _copy("merchants_stagedrow", STAGED, number, rows)
            mark_staged(number=number, actor=actor, now=now, **counts)
        return Batch.objects.get(number=number)


def _is_stored(number: int, rows: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Store the rows; return False, with none of them stored, where only `fill_batch` knows what becomes of them."""
    if pc.any(pc.not_equal(rows["corrects"], "")).as_py():
        return False
    try:
        # In the order of `fill_batch`, so that two batches with the same rows seldom wait for each other in a circle;
        # PostgreSQL stores copied rows partition by partition, so "never" would be too much to say.
        order = pc.sort_indices(rows, [("merchant_id", "ascending"), ("external_id", "ascending")])
        with transaction.atomic():
            _copy("merchants_transaction", STORED, number, rows.take(order))
    except (errors.UniqueViolation, errors.QueryCanceled, *RETRYABLE):
        return False
    return True


def _count_rows(rows: Any, merchants: Iterable[KnownMerchant]) -> list[CountedRows]:  # noqa: ANN401 - pyarrow has no types
    """Count the rows by day, kind and their merchants' currency."""
    if not rows.num_rows:
        return []
    ids, currencies = zip(*{merchant.id: merchant.currency for merchant in merchants}.items(), strict=True)
    currency = pc.take(pa.array(currencies), pc.index_in(rows["merchant_id"], pa.array(ids)))
    minor = rows["amount_minor"]
    if pc.max(minor).as_py() * rows.num_rows >= 2**63:  # slower, and seldom: their sum may leave 64 bits
        minor = minor.cast(pa.decimal128(38))
    table = pa.table({"day": rows["day"], "kind": rows["kind"], "currency": currency, "minor": minor})
    found = table.group_by(["day", "kind", "currency"], use_threads=False).aggregate(
        [("minor", "count"), ("minor", "sum")]
    )
    columns = [found[name].to_pylist() for name in ("day", "kind", "currency", "minor_count", "minor_sum")]
    return [
        CountedRows(day, kind, currency, number, int(total))
        for day, kind, currency, number, total in zip(*columns, strict=True)
    ]


def _copy(table: str, columns: tuple[str, ...], number: int, rows: Any) -> None:  # noqa: ANN401 - pyarrow has no types
    """Copy rows as one text, which pyarrow puts together a column at a time."""
    if not rows.num_rows:
        return
    cells = [
        _escaped(cells) if cells.type == pa.string() else cells.cast(pa.string()) for cells in map(rows.column, columns)
    ]
    # Each line begins with the line break that ends the one before.
    lines = pc.binary_join_element_wise(
        f"\n{number}",
        *cells,
        "\t",
        null_handling="replace",
        null_replacement="\\N",
    )
    statement = COPY.format(table=table, columns=", ".join(columns))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for place, chunk in enumerate(lines.chunks):
            _, offsets, text = chunk.buffers()
            ends = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
            # In pieces: of each psycopg makes a copy of its own.
            for at in range(int(ends[0]) + (place == 0), int(ends[1]), PIECE):
                copy.write(memoryview(text)[at : min(at + PIECE, int(ends[1]))])


def _escaped(texts: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    for mark, escape in ESCAPES.items():
        if any(mark.encode() in memoryview(chunk.buffers()[2]).tobytes() for chunk in texts.chunks if len(chunk)):
            texts = pc.replace_substring(texts, mark, escape)
    return texts
