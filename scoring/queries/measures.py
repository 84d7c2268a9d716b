"""Run the measures on PostgreSQL, over histories as of a day and as known at a watermark."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import ibis
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from ibis import Table

from merchants.models.transaction import PARTITIONS
from merchants.queries.batches import Watermark
from merchants.queries.partitions import table_sql
from scoring.domain.features.relations import balances, history
from scoring.domain.features.repayment import behaviour, behaviour_measures

Parameter = str | int | list[int] | None
Measured = Callable[[Table], Table]

# The one owner of "as of" and "as known at": a measure sees only what these two select.
HISTORY = """
SELECT t.merchant_id, m.escrow, CAST(%(as_of_day)s - 1 - t.day AS bigint) AS d, CAST(t.kind AS text) AS kind,
    CAST(nullif(t.order_ref, '') AS text) AS order_ref, CAST(t.external_id AS text) AS external_id,
    t.amount_minor, t.buyer, CAST(t.value AS bigint) AS value
FROM members m JOIN {table} t ON t.merchant_id = m.merchant_id
WHERE t.merchant_id = ANY(ARRAY(SELECT merchant_id FROM members)) -- without a nested loop, the way to the index
    AND t.day < %(as_of_day)s
    AND t.batch_id < %(high)s AND t.batch_id <> ALL(%(open)s)
    AND (t.superseded_in IS NULL OR t.superseded_in >= %(high)s OR t.superseded_in = ANY(%(open)s))
"""
BEHAVIOUR = """
SELECT f.merchant_id, CAST(%(as_of_day)s - 1 - (f.business_date - DATE '1970-01-01') AS bigint) AS d,
    CAST(f.dpd AS bigint) AS dpd, f.scheduled_minor, f.repaid_minor, CAST(f.loans_repaid AS bigint) AS loans_repaid
FROM scoring_behaviourfact f
WHERE f.merchant_id = ANY(ARRAY(SELECT merchant_id FROM members))
    AND f.business_date - DATE '1970-01-01' < %(as_of_day)s
    AND f.batch_id < %(high)s AND f.batch_id <> ALL(%(open)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What may be seen: days before `as_of_day` (since 1970-01-01), batches visible at the watermark."""

    as_of_day: int
    watermark: Watermark

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters of HISTORY and BEHAVIOUR."""
        return {"as_of_day": self.as_of_day, "high": self.watermark.high, "open": list(self.watermark.open)}


@cache
def compiled(measured: Measured) -> str:
    """Compile measures of a history, once a process; `%` is doubled for psycopg."""
    return str(ibis.to_sql(measured(history()), dialect="postgres")).replace("%", "%%")


@cache
def compiled_behaviour() -> str:
    """Compile the measures of behaviour once a process."""
    return str(ibis.to_sql(behaviour_measures(behaviour()), dialect="postgres")).replace("%", "%%")


def measuring(measured: Measured, *, members: str, partitions: Sequence[int] | None) -> str:
    """Build the statement that measures the merchants of `members` (merchant_id, escrow), of some partitions or all.

    It selects merchant_id and the measures; merchants without a row are left out.
    """
    table = table_sql(range(PARTITIONS) if partitions is None else partitions)
    return (
        f"WITH members AS MATERIALIZED ({members}), history AS MATERIALIZED ({HISTORY.format(table=table)}) "  # noqa: S608
        f"SELECT * FROM ({compiled(measured)}) measured"
    )


@contextmanager
def measuring_cursor(*, is_limited: bool) -> Iterator[CursorWrapper]:
    """Open a cursor for a statement of `measuring`, in a transaction that plans no nested loops.

    What the statement joins has no statistics, nor has anything after an import: taking the orders of a market for
    a handful, the planner would look through all of them for each refund (Olist: 17 s instead of 0.6).
    Limited: to the time that a statement may take. A whole market is measured by commands alone, and at leisure.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        if not is_limited:
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield cursor


def measure(
    measured: Measured,
    *,
    members: str,
    parameters: Mapping[str, Parameter],
    known: Known,
    partitions: Sequence[int] | None = None,
) -> list[Sequence[int | None]]:
    """Measure the members by a feature set's measures: merchant_id, then MEASURE_NAMES."""
    with measuring_cursor(is_limited=partitions is not None) as cursor:
        cursor.execute(measuring(measured, members=members, partitions=partitions), {**known.parameters, **parameters})
        rows: list[Sequence[int | None]] = cursor.fetchall()
        return rows


def measure_balance(*, members: str, parameters: Mapping[str, Parameter], known: Known, partition: int) -> int:
    """Measure what the platform holds for the one member (minor units); 0 without a row."""
    with measuring_cursor(is_limited=True) as cursor:
        cursor.execute(measuring(balances, members=members, partitions=[partition]), {**known.parameters, **parameters})
        row = cursor.fetchone()
        return 0 if row is None else int(row[1])


def measure_behaviour(
    *, members: str, parameters: Mapping[str, Parameter], known: Known, partitions: Sequence[int] | None = None
) -> list[Sequence[int | None]]:
    """Measure the members that have a fact of behaviour: merchant_id, then BEHAVIOUR_MEASURE_NAMES.

    A separate statement: where nobody borrows it finds an empty index, and the other stays as it is.
    """
    with measuring_cursor(is_limited=partitions is not None) as cursor:
        cursor.execute(
            f"WITH members AS MATERIALIZED ({members}), behaviour AS MATERIALIZED ({BEHAVIOUR}) "  # noqa: S608
            f"SELECT * FROM ({compiled_behaviour()}) measured",
            {**known.parameters, **parameters},
        )
        rows: list[Sequence[int | None]] = cursor.fetchall()
        return rows
