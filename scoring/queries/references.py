"""Members and references that runs pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from django.db import connection

from config.kernel.documents import load
from scoring.domain.features.columns import Column, columns_of
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES
from scoring.domain.reference import Attributes, CellLevel, FeedCarriage, MeanRating, PercentileCell, References
from scoring.queries.measures import Known, Measured, Members, Parameter, measure

ONE = "SELECT %(merchant)s::bigint AS merchant_id, %(escrow)s::boolean AS escrow"
ATTRIBUTES = "merchant_id, partner_id, currency, category, region, escrow"
OF_RUN = """
FROM scoring_referencemerchant WHERE run_id = %(run)s AND (%(shards)s::smallint[] IS NULL OR shard = ANY(%(shards)s))
    AND (%(only)s::bigint[] IS NULL OR merchant_id = ANY(%(only)s))
"""
OF_MARKET = """
FROM (
    SELECT m.id AS merchant_id, m.partner_id, m.currency, m.category, m.region, p.settlement = 'ESCROW' AS escrow
    FROM merchants_merchant m JOIN merchants_partner p ON p.id = m.partner_id
) market WHERE %(only)s::bigint[] IS NULL OR merchant_id = ANY(%(only)s)
"""
OF_PARTNERS = "WHERE run_id = %(run)s AND partner_id = ANY(%(partners)s::bigint[])"
OF_CATEGORY = "AND (%(categories)s::text[] IS NULL OR category = ANY(%(categories)s))"
OF_REGION = "AND (%(regions)s::text[] IS NULL OR region = ANY(%(regions)s))"


def _frozen(kind: type, table: str, where: str) -> str:
    """Return SQL for a run's rows of a table in the order of writing, each as the fields of its kind."""
    names = ", ".join(field.name for field in fields(kind))
    rows = f"SELECT {names} FROM {table} {OF_PARTNERS} {where} ORDER BY id"  # noqa: S608
    return f"(SELECT coalesce(jsonb_agg(frozen), '[]') FROM ({rows}) frozen)"  # noqa: S608


FROZEN = f"""SELECT
{_frozen(PercentileCell, "scoring_referencecell", f"{OF_CATEGORY} {OF_REGION}")},
{_frozen(MeanRating, "scoring_referencerating", OF_CATEGORY)},
{_frozen(FeedCarriage, "scoring_referencefeed", "")}
"""


def members_of_run(*, run_id: int, partitions: Sequence[int] | None, only: list[int] | None = None) -> Members:
    """Return the members that a run pinned, of some partitions or all, or only those with these ids."""
    shards = None if partitions is None else list(partitions)
    return _members(OF_RUN, {"run": run_id, "shards": shards, "only": only})


def members_of_market(only: list[int] | None = None) -> Members:
    """Return the merchants as they are now, all or only those with these ids."""
    return _members(OF_MARKET, {"only": only})


def _members(source: str, parameters: Mapping[str, Parameter]) -> Members:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ATTRIBUTES} {source} ORDER BY merchant_id", parameters)
        rows = cursor.fetchall()
    return members_of_rows(rows, select=f"SELECT merchant_id, escrow {source}", parameters=parameters)


def members_of_rows(
    rows: Sequence[tuple[int, int, str, str, str, bool]], *, select: str, parameters: Mapping[str, Parameter]
) -> Members:
    """Return the members of rows of ATTRIBUTES; `select` and its parameters are not used for one alone."""
    ids, partners, currencies, categories, regions, escrows = zip(*rows, strict=True) if rows else ((),) * 6
    if len(ids) == 1:
        select, parameters = ONE, {"merchant": ids[0], "escrow": escrows[0]}
    return Members(
        select=select,
        parameters=parameters,
        ids=np.array(ids, np.int64),
        attributes=Attributes(partner=partners, currency=currencies, category=categories, region=regions),
    )


def reference_columns_of_run(*, run_id: int, members: Members) -> dict[str, Column]:
    """Return the reference measures that a run gathered, in the order of its members."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT merchant_id, {', '.join(REFERENCE_MEASURE_NAMES)} {OF_RUN}",
            {"run": run_id, "shards": None, "only": None},
        )
        return _columns(cursor.fetchall(), members)


def measure_references(measured: Measured, *, members: Members, known: Known) -> dict[str, Column]:
    """Measure what the members contribute to the references now, without storing it."""
    return _columns(measure(measured, members=members, known=known), members)


def _columns(rows: Sequence[Sequence[int | None]], members: Members) -> dict[str, Column]:
    return columns_of(rows, REFERENCE_MEASURE_NAMES, frozenset(), members.ids)


def references_of_run(*, run_id: int, members: Members) -> References:
    """Return what a run froze for the partners and currencies of these members, and for their category if it is one."""
    of, one = members.attributes, members.is_one
    with connection.cursor() as cursor:
        cursor.execute(
            FROZEN,
            {
                "run": run_id,
                "partners": list(set(of.partner)),
                "categories": ["", of.category[0]] if one else None,
                "regions": ["", of.region[0]] if one else None,
            },
        )
        cells, ratings, feeds = (load(text) for text in cursor.fetchone())
    return References(
        cells=tuple(
            PercentileCell(**{**row, "level": CellLevel(row["level"]), "cuts": tuple(row["cuts"])}) for row in cells
        ),
        ratings=tuple(MeanRating(**{**row, "level": CellLevel(row["level"])}) for row in ratings),
        feeds=tuple(FeedCarriage(**{**row, "carried": tuple(map(Feed, row["carried"]))}) for row in feeds),
    )
