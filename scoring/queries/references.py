"""Members and references that runs pinned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from django.db import connection

from config.kernel.exact import Int64s
from scoring.domain.features.columns import Column, columns_of
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES
from scoring.domain.reference import Attributes, CellLevel, FeedCarriage, MeanRating, PercentileCell, References
from scoring.models import ReferenceCell, ReferenceFeed, ReferenceRating
from scoring.queries.measures import Known, Measured, Parameter, measuring, measuring_cursor

ATTRIBUTES = "merchant_id, partner_id, currency, category, region"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The merchants to be scored, in order; `select` is SQL for their merchant_id and escrow."""

    select: str
    parameters: Mapping[str, Parameter]
    ids: Int64s
    attributes: Attributes


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
    ids, partners, currencies, categories, regions = zip(*rows, strict=True) if rows else ((),) * 5
    return Members(
        select=f"SELECT merchant_id, escrow {source}",
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
    statement = measuring(measured, members=members.select, partitions=None)
    with measuring_cursor(is_limited=False) as cursor:
        cursor.execute(statement, {**known.parameters, **members.parameters})
        return _columns(cursor.fetchall(), members)


def _columns(rows: Sequence[Sequence[int | None]], members: Members) -> dict[str, Column]:
    return columns_of(rows, REFERENCE_MEASURE_NAMES, frozenset(), members.ids)


def references_of_run(*, run_id: int) -> References:
    """Return the references that a run froze."""
    return References(
        cells=tuple(
            PercentileCell(**{**row, "level": CellLevel(row["level"]), "cuts": tuple(row["cuts"])})
            for row in _frozen(ReferenceCell, PercentileCell, run_id)
        ),
        ratings=tuple(
            MeanRating(**{**row, "level": CellLevel(row["level"])})
            for row in _frozen(ReferenceRating, MeanRating, run_id)
        ),
        feeds=tuple(
            FeedCarriage(**{**row, "carried": tuple(map(Feed, row["carried"]))})
            for row in _frozen(ReferenceFeed, FeedCarriage, run_id)
        ),
    )


def _frozen(
    model: type[ReferenceCell | ReferenceRating | ReferenceFeed], kind: type, run_id: int
) -> Iterable[dict[str, Any]]:
    """Return a run's rows of a table in the order of writing, each as the fields of its kind."""
    rows: Iterable[dict[str, Any]] = (
        model.objects.filter(run=run_id).order_by("pk").values(*(field.name for field in fields(kind)))
    )
    return rows
