"""Pin the members of a run and store their scores, as parts of the caller's operation."""

from collections.abc import Sequence
from typing import Final

from django.db import connection

from config.db.transactions import require_transaction
from merchants.queries.partitions import partition_sql
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES
from scoring.domain.features.sets import get_set
from scoring.domain.score_row import ScoreRow
from scoring.models import ScoreRun
from scoring.queries.measures import measuring, measuring_cursor
from scoring.queries.scores import ROW_FIELDS, known_to

MEMBERS: Final = """
SELECT m.id AS merchant_id, m.partner_id, m.currency, m.category, m.region, p.settlement = 'ESCROW' AS escrow,
    {shard} AS shard
FROM merchants_merchant m JOIN merchants_partner p ON p.id = m.partner_id
WHERE %(merchant)s::bigint IS NULL OR m.id = %(merchant)s
"""
STORE: Final = f"COPY scoring_score (run_id, {', '.join(ROW_FIELDS)}) FROM STDIN"


def pin_members(run: ScoreRun, *, partitions: Sequence[int], merchant_id: int | None = None) -> int:
    """Pin the merchants of some partitions, or one of them, with their reference measures; return how many.

    A merchant of another partition is not pinned. Raises NoTransaction, FeatureSetGone.
    """
    require_transaction()
    features = get_set(run.feature_set)
    measured = measuring(
        features.reference_measures, members="SELECT merchant_id, escrow FROM pinned", partitions=partitions
    )
    columns = "merchant_id, partner_id, currency, category, region, escrow, shard"
    names = ", ".join(REFERENCE_MEASURE_NAMES)
    values = ", ".join(f"coalesce(r.{name}, 0)" for name in REFERENCE_MEASURE_NAMES)
    with measuring_cursor(is_limited=True) as cursor:
        cursor.execute(
            f"""
            WITH pinned AS MATERIALIZED (
                SELECT {columns} FROM ({MEMBERS.format(shard=partition_sql("m.id", partitions))}) m
                WHERE shard IS NOT NULL
            )
            INSERT INTO scoring_referencemerchant (run_id, {columns}, {names})
            SELECT %(run)s, pinned.*, {values} FROM pinned LEFT JOIN ({measured}) r USING (merchant_id)
            """,  # noqa: S608
            {"run": run.pk, "merchant": merchant_id, **known_to(run).parameters},
        )
        return int(cursor.rowcount)


def store_scores(run: ScoreRun, rows: list[ScoreRow]) -> None:
    """Append the scores of a run. Raises NoTransaction."""
    require_transaction()
    with connection.cursor() as cursor, cursor.copy(STORE) as copy:
        for row in rows:
            copy.write_row((run.pk, *(getattr(row, field) for field in ROW_FIELDS)))
