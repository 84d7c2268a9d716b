"""Run the measures on PostgreSQL, over histories as of a day and as known at a watermark."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import ibis
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from ibis import Table

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.exact import Int64s
from merchants.models.transaction import PARTITIONS
from merchants.queries.batches import Watermark
from merchants.queries.partitions import table_sql
from scoring.domain.features.measures import MEASURE_NAMES
from scoring.domain.features.relations import history
from scoring.domain.features.repayment import behaviour, behaviour_measures
from scoring.domain.reference import Attributes

WORK_MEMORY = "32MB"
"""A part of a run holds the histories of its merchants several times: by default, they go through files."""
Parameter = str | int | bool | list[int] | None
Measured = Callable[[Table], Table]

# The one owner of "as of" and "as known at": a measure sees only what these select.
SEEN: Final = """t.day < %(as_of_day)s
    AND t.batch_id < %(high)s AND t.batch_id <> ALL(%(open)s::bigint[])
    AND (t.superseded_in IS NULL OR t.superseded_in >= %(high)s OR t.superseded_in = ANY(%(open)s::bigint[]))"""
HISTORY: Final = f"""
SELECT t.merchant_id, {{escrow}} AS escrow, CAST(%(as_of_day)s - 1 - t.day AS bigint) AS d,
    CAST(t.kind AS text) AS kind, CAST(nullif(t.order_ref, '') AS text) AS order_ref,
    CAST(t.external_id AS text) AS external_id,
    t.amount_minor, t.buyer, CAST(t.value AS bigint) AS value
FROM {{source}}
    AND {SEEN}
"""  # noqa: S608 - constants only
OF_MEMBERS = """members m JOIN {table} t ON t.merchant_id = m.merchant_id
WHERE t.merchant_id = ANY(ARRAY(SELECT merchant_id FROM members)) -- without a nested loop, the way to the index"""
OF_FLAGGED = """members m JOIN unnest(%(flagged_merchants)s::bigint[], %(flagged_orders)s::text[])
    flagged (merchant_id, order_key) ON flagged.merchant_id = m.merchant_id
JOIN {table} t ON t.merchant_id = m.merchant_id
    AND coalesce(nullif(t.order_ref, ''), t.external_id) = flagged.order_key
WHERE t.merchant_id = ANY(%(flagged_merchants)s::bigint[])"""
OF_ONE = "merchants_transaction t WHERE t.merchant_id = %(merchant)s::bigint"
BEHAVIOUR = """
SELECT DISTINCT ON (f.merchant_id, f.business_date) f.merchant_id,
    CAST(%(as_of_day)s - 1 - (f.business_date - DATE '1970-01-01') AS bigint) AS d,
    CAST(f.dpd AS bigint) AS dpd, f.scheduled_minor, f.repaid_minor, CAST(f.loans_repaid AS bigint) AS loans_repaid
FROM scoring_behaviourfact f
WHERE f.merchant_id = ANY(ARRAY(SELECT merchant_id FROM members))
    AND f.business_date - DATE '1970-01-01' < %(as_of_day)s
    AND f.batch_id < %(high)s AND f.batch_id <> ALL(%(open)s::bigint[])
ORDER BY f.merchant_id, f.business_date, f.batch_id DESC -- a later batch corrects what was known of a day
"""

KEPT = """
SELECT merchant_id, measures FROM scoring_measuredmerchant
WHERE run_id = %(run)s AND shard = ANY(%(shards)s::smallint[]) AND version = %(version)s
"""
MEASURES_VERSION = sha256_of(canonical_json(list(MEASURE_NAMES)))
"""The order of kept measures: another version of the program may have another while a run is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What may be seen: days before `as_of_day` (since 1970-01-01), batches visible at the watermark."""

    as_of_day: int
    watermark: Watermark

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters of HISTORY and BEHAVIOUR."""
        return {"as_of_day": self.as_of_day, "high": self.watermark.high, "open": list(self.watermark.open)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The merchants to be measured, in order; `select` is SQL for their merchant_id and escrow.

    If it is one merchant, the parameters of `select` are its own merchant_id and escrow, as OF_ONE takes them.
    """

    select: str
    parameters: Mapping[str, Parameter]
    ids: Int64s
    attributes: Attributes

    @property
    def is_one(self) -> bool:
        """Whether it is one merchant."""
        return len(self.ids) == 1


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
    rows = HISTORY.format(escrow="m.escrow", source=OF_MEMBERS.format(table=table))
    return (
        f"WITH members AS MATERIALIZED ({members}), history AS MATERIALIZED ({rows}) "  # noqa: S608
        f"SELECT * FROM ({compiled(measured)}) measured"
    )


@cache
def measuring_one(measured: Measured) -> str:
    """Build the statement that measures any one merchant: one text, so that a connection plans it once."""
    rows = HISTORY.format(escrow="%(escrow)s::boolean", source=OF_ONE)
    return f"WITH history AS MATERIALIZED ({rows}) SELECT * FROM ({compiled(measured)}) measured"  # noqa: S608


@contextmanager
def measuring_cursor(*, is_limited: bool, of_one: bool = False) -> Iterator[CursorWrapper]:
    """Open a cursor for a statement that measures, in a transaction that plans no nested loops.

    What the statement joins has no statistics, nor has anything after an import: taking the orders of a market for
    a handful, the planner would look through all of them for each refund (Olist: 17 s instead of 0.6).
    Limited: to the time that a statement may take. A whole market is measured by commands alone, and at leisure.
    Of one: a prepared statement is planned once for any merchant. Planning it takes longer than measuring one.
    """
    settings = {"enable_nestloop": "off"}
    settings |= {"plan_cache_mode": "force_generic_plan"} if of_one else {"work_mem": WORK_MEMORY}
    if not is_limited:
        settings["statement_timeout"] = "0"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        wanted = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
        cursor.execute(f"SELECT {wanted}")
        yield cursor


def measure(
    measured: Measured, *, members: Members, known: Known, partitions: Sequence[int] | None = None
) -> list[tuple[Any, ...]]:
    """Measure the members, of some partitions or all: merchant_id, then the measures."""
    one = members.is_one
    statement = measuring_one(measured) if one else measuring(measured, members=members.select, partitions=partitions)
    with measuring_cursor(is_limited=one or partitions is not None, of_one=one) as cursor:
        # What comes again is prepared at once.
        with connection.wrap_database_errors:
            cursor.cursor.execute(statement, {**known.parameters, **members.parameters}, prepare=one)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def measure_flagged(
    measured: Measured,
    *,
    members: Members,
    known: Known,
    orders: Sequence[tuple[int, str]],
    partitions: Sequence[int] | None = None,
) -> list[tuple[Any, ...]]:
    """Measure the rows of flagged orders alone, (merchant, key) each, of the members among their merchants."""
    if not orders:
        return []
    rows = HISTORY.format(escrow="m.escrow", source=OF_FLAGGED.format(table=table_sql(partitions or range(PARTITIONS))))
    merchants, keys = [one for one, _ in orders], [key for _, key in orders]
    with measuring_cursor(is_limited=members.is_one or partitions is not None) as cursor:
        cursor.execute(
            f"WITH members AS MATERIALIZED ({members.select}), history AS MATERIALIZED ({rows}) "  # noqa: S608
            f"SELECT * FROM ({compiled(measured)}) measured",
            {**known.parameters, **members.parameters, "flagged_merchants": merchants, "flagged_orders": keys},
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def kept_measures(*, run_id: int, members: Members, partitions: Sequence[int]) -> list[tuple[Any, ...]] | None:
    """Return what `measure` gave for the members of a run, as their pass kept it; None if it did not, or is gone."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, {"run": run_id, "shards": list(partitions), "version": MEASURES_VERSION})
        rows = cursor.fetchall()
    if len(rows) != len(members.ids):
        return None
    return [(merchant, *found) for merchant, found in rows if found is not None]


def measure_behaviour(
    *, members: Members, known: Known, partitions: Sequence[int] | None = None
) -> list[tuple[Any, ...]]:
    """Measure the members that have a fact of behaviour: merchant_id, then BEHAVIOUR_MEASURE_NAMES.

    A separate statement: where nobody borrows it finds an empty index, and the other stays as it is.
    """
    one = members.is_one
    with measuring_cursor(is_limited=one or partitions is not None, of_one=one) as cursor:
        cursor.execute(
            f"WITH members AS MATERIALIZED ({members.select}), behaviour AS MATERIALIZED ({BEHAVIOUR}) "  # noqa: S608
            f"SELECT * FROM ({compiled_behaviour()}) measured",
            {**known.parameters, **members.parameters},
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
