"""Pin the members of a run and store their scores: parts of the caller's operation."""

from typing import Final

from django.db import connection

from config.db.transactions import require_transaction
from merchants.models.transaction import PARTITIONS
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES, reference_measures
from scoring.domain.score_row import ScoreRow
from scoring.models import ScoreRun
from scoring.queries.measures import measuring, measuring_cursor
from scoring.queries.scores import ROW_FIELDS, known_to

MEMBERS: Final = """
SELECT m.id AS merchant_id, m.partner_id, m.currency, m.category, m.region, p.settlement = 'ESCROW' AS escrow
FROM merchants_merchant m JOIN merchants_partner p ON p.id = m.partner_id
WHERE satisfies_hash_partition('merchants_transaction'::regclass, %(partitions)s, %(shard)s, m.id)
    AND (%(merchant)s::bigint IS NULL OR m.id = %(merchant)s)
"""
STORE: Final = f"COPY scoring_score (run_id, {', '.join(ROW_FIELDS)}) FROM STDIN"


def pin_members(run: ScoreRun, *, shard: int, merchant_id: int | None = None) -> int:
    """Pin the merchants of a shard, or one of them, and what they add to the references; return how many.

    A merchant of another shard is not pinned. Raises NoTransaction.
    """
    require_transaction()
    measured = measuring(
        reference_measures,
        members=f"SELECT merchant_id, escrow FROM ({MEMBERS}) m",  # noqa: S608 - constants
        shard=shard,
    )
    names = ", ".join(REFERENCE_MEASURE_NAMES)
    values = ", ".join(f"coalesce(r.{name}, 0)" for name in REFERENCE_MEASURE_NAMES)
    parameters = {"run": run.pk, "shard": shard, "merchant": merchant_id, "partitions": PARTITIONS}
    with measuring_cursor(shard=shard) as cursor:
        cursor.execute(
            f"""
            INSERT INTO scoring_referencemerchant
                (run_id, shard, merchant_id, partner_id, currency, category, region, escrow, {names})
            SELECT %(run)s, %(shard)s, m.*, {values} FROM ({MEMBERS}) m LEFT JOIN ({measured}) r USING (merchant_id)
            """,  # noqa: S608
            {**parameters, **known_to(run).parameters},
        )
        return int(cursor.rowcount)


def store_scores(run: ScoreRun, rows: list[ScoreRow]) -> None:
    """Append the scores of a run. Raises NoTransaction."""
    require_transaction()
    with connection.cursor() as cursor, cursor.copy(STORE) as copy:
        for row in rows:
            copy.write_row((run.pk, *(getattr(row, field) for field in ROW_FIELDS)))
