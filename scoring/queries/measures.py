"""Run the measures on PostgreSQL, over histories as of a day and as known at a watermark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import ibis
from django.db import connection, transaction

from config.db.transactions import require_transaction
from merchants.models.transaction import partition_table
from merchants.queries.batches import Watermark
from scoring.domain.features.measures import measures, reference_measures
from scoring.domain.features.relations import history

FEW: Final = 10
Parameter = str | int | list[int] | None

# The one owner of "as of" and "as known at": what it lets through is all that a measure can see.
HISTORY = """
SELECT t.merchant_id, m.escrow, CAST(%(as_of_day)s - 1 - t.day AS bigint) AS d, CAST(t.kind AS text) AS kind,
    CAST(nullif(t.order_ref, '') AS text) AS order_ref, CAST(t.external_id AS text) AS external_id,
    t.amount_minor, t.buyer, CAST(t.value AS bigint) AS value
FROM members m JOIN {table} t ON t.merchant_id = m.merchant_id
WHERE t.day < %(as_of_day)s
    AND t.batch_id < %(high)s AND t.batch_id <> ALL(%(open)s)
    AND (t.superseded_in IS NULL OR t.superseded_in >= %(high)s OR t.superseded_in = ANY(%(open)s))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Say what may be seen: days before `as_of_day` (since 1970-01-01), batches visible at the watermark."""

    as_of_day: int
    watermark: Watermark

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Give the parameters of HISTORY."""
        return {"as_of_day": self.as_of_day, "high": self.watermark.high, "open": list(self.watermark.open)}


@cache
def compiled(*, reference: bool) -> str:
    """Compile the measures once a process; `%` is doubled, as psycopg reads it."""
    expression = reference_measures(history()) if reference else measures(history())
    return str(ibis.to_sql(expression, dialect="postgres")).replace("%", "%%")


def measuring(*, members: str, shard: int | None, reference: bool) -> str:
    """Build the statement that measures the merchants of `members` (merchant_id, escrow), one shard or all.

    It selects merchant_id and MEASURE_NAMES, or REFERENCE_MEASURE_NAMES; merchants without a row are left out.
    """
    table = "merchants_transaction" if shard is None else partition_table(shard)
    return (
        f"WITH members AS MATERIALIZED ({members}), history AS MATERIALIZED ({HISTORY.format(table=table)}) "  # noqa: S608
        f"SELECT * FROM ({compiled(reference=reference)}) measured"
    )


def avoid_nested_loops() -> None:
    """Keep the planner from nested loops until the transaction ends: for many merchants. Raises NoTransaction.

    Members that a run has just pinned are in no statistics yet: the planner takes them for one row, and loops
    over whole histories for each. A single merchant is rightly looked up by index.
    """
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")


def measure(
    *, members: str, merchants: int, parameters: Mapping[str, Parameter], known: Known, shard: int | None = None
) -> list[Sequence[int | None]]:
    """Measure the members, so many merchants: merchant_id, then MEASURE_NAMES."""
    with transaction.atomic(), connection.cursor() as cursor:
        if merchants > FEW:
            avoid_nested_loops()
        cursor.execute(measuring(members=members, shard=shard, reference=False), {**known.parameters, **parameters})
        rows: list[Sequence[int | None]] = cursor.fetchall()
        return rows
