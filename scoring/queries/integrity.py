"""Look at whole markets for sales that may be made up, as of a day and as known at a watermark."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import ibis
import numpy as np
from django.conf import settings

from merchants.models.transaction import PARTITIONS
from merchants.queries.partitions import table_sql
from scoring.domain.features.arrivals import market
from scoring.domain.features.columns import columns_of
from scoring.domain.features.flags import Flags
from scoring.domain.features.integrity import FIGURE_NAMES, FLAGGED_NAMES, integrity, rings
from scoring.domain.integrity import Finding, Flagged, flagged_shares, integrity_measures, marks_of
from scoring.models import FlaggedSale, IntegrityFinding
from scoring.queries.measures import SEEN, Known, Members, Parameter, measuring_cursor

# A row is known when its partner recorded it, if it says so, else when its batch came.
MARKET: Final = f"""
SELECT t.merchant_id, m.partner_id AS market, CAST(%(as_of_day)s - 1 - t.day AS bigint) AS d,
    CAST(%(as_of_day)s - 1 - coalesce(t.recorded_day,
        CAST(timezone(%(zone)s, b.opened_at) AS date) - DATE '1970-01-01') AS bigint) AS known_d,
    CAST(t.kind AS text) AS kind, CAST(nullif(t.order_ref, '') AS text) AS order_ref,
    CAST(t.external_id AS text) AS external_id, t.amount_minor, t.buyer
FROM {table_sql(range(PARTITIONS))} t JOIN merchants_merchant m ON m.id = t.merchant_id
    JOIN merchants_batch b ON b.number = t.batch_id
WHERE {SEEN}
"""  # noqa: S608 - constants only


@cache
def _compiled(*, of_rings: bool) -> str:
    looked = rings(market()) if of_rings else integrity(market())
    return str(ibis.to_sql(looked, dialect="postgres")).replace("%", "%%")


def looking(*, of_rings: bool = False) -> str:
    """Build the statement that looks at all markets: rows of `integrity`, or of `rings`."""
    return f"WITH market AS MATERIALIZED ({MARKET}) SELECT * FROM ({_compiled(of_rings=of_rings)}) looked"  # noqa: S608


def parameters_of(known: Known) -> dict[str, Parameter]:
    """Return the parameters of `looking`."""
    return {**known.parameters, "zone": settings.BUSINESS_TIME_ZONE}


def find(*, known: Known) -> list[Finding]:
    """Look at all markets now, at leisure, storing nothing: a finding for each merchant that has a row."""
    with measuring_cursor(is_limited=False) as cursor:
        cursor.execute(looking(), parameters_of(known))
        return findings_of(cursor.fetchall())


def find_rings(*, known: Known) -> list[tuple[int, int, int]]:
    """Return, of each merchant for whom RING fires now, the shops it meets and the buyers it shares with them."""
    with measuring_cursor(is_limited=False) as cursor:
        cursor.execute(looking(of_rings=True), parameters_of(known))
        return sorted(cursor.fetchall())


def flags_of_run(*, run_id: int, members: Members, as_of_day: int) -> Flags:
    """Return what a run found of the members, for their scores as of a day."""
    found = IntegrityFinding.objects.filter(run=run_id, merchant__in=members.ids.tolist())
    told = found.values_list("merchant", "flagged_share_bp", "first_known_day")
    sales = FlaggedSale.objects.filter(run=run_id, merchant__in=members.ids.tolist())
    return Flags(
        shares={merchant: share for merchant, share, _ in told},
        first_known_d={merchant: as_of_day - 1 - day for merchant, _, day in told if day is not None},
        orders=sorted(set(sales.values_list("merchant", "order_key"))),
    )


def findings_of(rows: Sequence[tuple[Any, ...]]) -> list[Finding]:
    """Make findings of rows of `integrity`, in order of merchants."""
    size = 1 + len(FIGURE_NAMES)
    figures = {row[0]: row[:size] for row in rows}
    flagged: dict[int, list[Flagged]] = {merchant: [] for merchant in figures}
    for row in rows:
        told = dict(zip(FLAGGED_NAMES, row[size:], strict=True))
        if told["external_id"] is not None:
            flagged[row[0]].append(Flagged(**{**told, "marks": marks_of(told["marks"])}))
    ids = np.array(sorted(figures), np.int64)
    columns = columns_of(list(figures.values()), FIGURE_NAMES, frozenset({"first_known_d"}), ids)
    derived = integrity_measures(columns)
    measures = {name: column.values.tolist() for name, column in derived.items()}
    shares = flagged_shares(columns, derived).values.tolist()
    fired, known = columns["fired"].values.tolist(), columns["first_known_d"].tolist()
    return [
        Finding(
            merchant_id=merchant,
            measures={name: values[place] for name, values in measures.items()},
            fired=marks_of(fired[place]),
            flagged=tuple(sorted(flagged[merchant], key=lambda sale: (-sale.d, sale.external_id))),
            first_known_d=known[place],
            flagged_share=shares[place],
        )
        for place, merchant in enumerate(ids.tolist())
    ]
