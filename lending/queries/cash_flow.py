"""Measure how merchants trade, for the signals of trouble: many merchants in a few statements."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from config.kernel.calendar import day_number
from lending.domain.watch.cash_flow import (
    DISPUTED,
    DISPUTED_PAST,
    LONGEST_SINCE,
    LOYAL,
    OLDEST,
    PAST,
    RECENT,
    SHORTEST_SINCE,
    USUAL,
    YEAR,
    CashFlow,
    Cell,
    Peers,
)
from merchants.queries.partitions import table_sql
from scoring.domain.features.relations import FARTHEST
from scoring.queries.measures import SEEN, Known, measuring_cursor

MEMBERS: Final = """
SELECT w.merchant_id, p.settlement = 'ESCROW' AS escrow, w.drawn_d
FROM unnest(%(merchants)s::bigint[], %(drawn)s::int[]) w (merchant_id, drawn_d)
JOIN merchants_merchant m ON m.id = w.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
"""
OF_THEM: Final = f"{{table}} t WHERE t.merchant_id = ANY(%(merchants)s::bigint[]) AND {SEEN}"
OF_MEMBERS: Final = f"""members m JOIN {{table}} t ON t.merchant_id = m.merchant_id
WHERE t.merchant_id = ANY(%(merchants)s::bigint[]) AND {SEEN}"""
D: Final = "(%(as_of_day)s - 1 - t.day)"
EDGES: Final = (
    *(RECENT, DISPUTED, RECENT + USUAL, RECENT + PAST, DISPUTED + DISPUTED_PAST),
    *(YEAR, YEAR + RECENT, YEAR + RECENT + USUAL),
)
"""Where windows begin and end. Rows are summed between two edges, and these sums by window: few groups, one pass."""


def _window(first: int, days: int) -> str:
    """Return SQL that selects the sums of a window: so many days from one on, both edges."""
    begins = (0, *EDGES).index(first)
    return f"place BETWEEN {begins} AND {EDGES.index(first + days)}"


_RECENT: Final = _window(0, RECENT)
_USUAL: Final = _window(RECENT, USUAL)
_PAST: Final = _window(RECENT, PAST)
_YEAR_RECENT: Final = _window(YEAR, RECENT)
_YEAR_USUAL: Final = _window(YEAR + RECENT, USUAL)
_DISPUTED: Final = _window(0, DISPUTED)
_DISPUTED_PAST: Final = _window(DISPUTED, DISPUTED_PAST)
PLACE: Final = f"CASE {' '.join(f'WHEN {D} < {edge} THEN {place}' for place, edge in enumerate(EDGES))} END"
RELEASED: Final = "CASE WHEN escrow THEN settled ELSE sold END"
"""What the platform lets a merchant have: of sales in escrow, once they are settled."""
SUMS: Final[Mapping[str, tuple[str, str]]] = {
    "sales_recent": ("sales", _RECENT),
    "sales_usual": ("sales", _USUAL),
    "sales_past": ("sales", _PAST),
    "sold_recent": ("sold", _RECENT),
    "sold_usual": ("sold", _USUAL),
    "sold_year_recent": ("sold", _YEAR_RECENT),
    "sold_year_usual": ("sold", _YEAR_USUAL),
    "refunds_recent": ("refunds", _RECENT),
    "refunds_past": ("refunds", _PAST),
    "disputed_sales": ("sales", _DISPUTED),
    "disputed_sales_past": ("sales", _DISPUTED_PAST),
    "chargebacks": ("chargebacks", _DISPUTED),
    "chargebacks_past": ("chargebacks", _DISPUTED_PAST),
    "dispatches_recent": ("dispatches", _RECENT),
    "dispatches_past": ("dispatches", _PAST),
    "late_recent": ("late", _RECENT),
    "late_past": ("late", _PAST),
    "released_recent": (RELEASED, _RECENT),
    "released_usual": (RELEASED, _USUAL),
    "taken_back_recent": ("taken_back", _RECENT),
    "payouts_recent": ("payouts", _RECENT),
    "payouts_usual": ("payouts", _USUAL),
}
"""Which sum over which window each figure is."""
_SUMMED: Final = tuple(SUMS.values())
FLOWS: Final = f"""
WITH members AS MATERIALIZED ({MEMBERS}), places AS (
    SELECT t.merchant_id, {PLACE} AS place,
        max({D}) FILTER (WHERE t.kind = 'SALE') AS first,
        min({D}) FILTER (WHERE t.kind = 'SALE') AS last,
        count(*) FILTER (WHERE t.kind = 'SALE') AS sales,
        sum(t.amount_minor) FILTER (WHERE t.kind = 'SALE') AS sold,
        count(*) FILTER (WHERE t.kind = 'REFUND') AS refunds,
        count(*) FILTER (WHERE t.kind = 'CHARGEBACK') AS chargebacks,
        count(*) FILTER (WHERE t.kind = 'DISPATCH') AS dispatches,
        count(*) FILTER (WHERE t.kind = 'DISPATCH' AND t.value > 0) AS late,
        sum(t.amount_minor) FILTER (WHERE t.kind = 'SETTLEMENT') AS settled,
        sum(t.amount_minor) FILTER (WHERE t.kind IN ('REFUND', 'CHARGEBACK')) AS taken_back,
        sum(t.amount_minor) FILTER (WHERE t.kind = 'PAYOUT') AS payouts
    FROM {OF_THEM} AND t.day >= %(as_of_day)s - {OLDEST}
    GROUP BY t.merchant_id, place
), quiet AS (
    SELECT merchant_id, max(days) AS longest FROM (
        SELECT merchant_id, lead(d) OVER (PARTITION BY merchant_id ORDER BY d) - d - 1 AS days FROM (
            SELECT DISTINCT t.merchant_id, {D} AS d
            FROM {OF_THEM} AND t.kind = 'SALE' AND t.day >= %(as_of_day)s - {PAST}
        ) sold
    ) quiet GROUP BY merchant_id
)
SELECT merchant_id, max(first), min(last), max(quiet.longest),
    {", ".join(f"least(coalesce(sum({of}) FILTER (WHERE {places}), 0), {FARTHEST})::bigint" for of, places in _SUMMED)}
FROM places JOIN members USING (merchant_id) LEFT JOIN quiet USING (merchant_id) GROUP BY merchant_id
"""  # noqa: S608 - constants only
FLOW_FIELDS: Final = ("first_sale_d", "quiet", "longest_quiet", *SUMS)
# What a buyer bought on either side of a draw, and before that: twice makes a repeat buyer.
PURCHASES: Final = f"""
    count(*) FILTER (WHERE {D} < {{compared}}) AS after,
    count(*) FILTER (WHERE {D} BETWEEN {{drawn_d}} + 1 AND {{drawn_d}} + {{compared}}) AS before,
    count(*) FILTER (WHERE {D} > {{drawn_d}} + {{compared}}) AS chosen
"""
LOYALS: Final = f"""
WITH members AS MATERIALIZED (
    SELECT *, least({RECENT}, drawn_d) AS compared FROM ({MEMBERS}) m
    WHERE drawn_d BETWEEN {SHORTEST_SINCE} AND {LONGEST_SINCE}
)
SELECT m.merchant_id, m.compared, coalesce(sum(b.before), 0)::bigint, coalesce(sum(b.after), 0)::bigint, count(b.buyer)
FROM members m LEFT JOIN (
    SELECT t.merchant_id, t.buyer, {PURCHASES.format(drawn_d="m.drawn_d", compared="m.compared")}
    FROM {OF_MEMBERS} AND t.kind = 'SALE' AND t.buyer IS NOT NULL
        AND ({D} < m.compared OR {D} BETWEEN m.drawn_d + 1 AND m.drawn_d + m.compared + {LOYAL})
        AND t.day >= %(as_of_day)s - {LONGEST_SINCE + RECENT + LOYAL + 1}
    GROUP BY t.merchant_id, t.buyer, m.drawn_d, m.compared
) b ON b.merchant_id = m.merchant_id AND b.chosen >= 2
GROUP BY m.merchant_id, m.compared
"""  # noqa: S608 - constants only
# Of all merchants; whose feed is red says nothing of how they sell.
CELLS: Final = f"""
SELECT m.currency, m.category, m.region, count(*), sum(recent)::bigint, sum(usual)::bigint
FROM (
    SELECT t.merchant_id, count(*) FILTER (WHERE {D} < {RECENT}) AS recent,
        count(*) FILTER (WHERE {D} >= {RECENT}) AS usual
    FROM {{table}} t
    WHERE t.kind = 'SALE' AND {SEEN} AND t.day >= %(as_of_day)s - {RECENT + USUAL}
    GROUP BY t.merchant_id
) sold
JOIN merchants_merchant m ON m.id = sold.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
WHERE sold.usual > 0 AND p.feed_signal = ''
GROUP BY m.currency, m.category, m.region ORDER BY m.currency, m.category, m.region
"""  # noqa: S608 - constants only


def measure_cells(known: Known, *, partitions: Sequence[int], is_limited: bool = True) -> list[tuple[Cell, Peers]]:
    """Count how the sales of all merchants of some partitions changed, by cell."""
    with measuring_cursor(is_limited=is_limited) as cursor:
        cursor.execute(CELLS.format(table=table_sql(partitions)), known.parameters)
        return [
            ((currency, category, region), Peers(merchants=merchants, sales_recent=recent, sales_usual=usual))
            for currency, category, region, merchants, recent, usual in cursor.fetchall()
        ]


def measure_flows(
    drawn_on: Mapping[int, date | None], *, known: Known, partitions: Sequence[int], is_limited: bool = True
) -> dict[int, CashFlow]:
    """Measure merchants of some partitions, each with the day of the draw since which it is watched for diversion."""
    asked: dict[str, Any] = {
        **known.parameters,
        "merchants": list(drawn_on),
        "drawn": [None if on is None else known.as_of_day - 1 - day_number(on) for on in drawn_on.values()],
    }
    table = table_sql(partitions)
    with measuring_cursor(is_limited=is_limited) as cursor:
        cursor.execute(FLOWS.format(table=table), asked)
        found = {merchant: dict(zip(FLOW_FIELDS, row, strict=True)) for merchant, *row in cursor.fetchall()}
        cursor.execute(LOYALS.format(table=table), asked)
        for merchant, compared, before, after, buyers in cursor.fetchall():
            found.setdefault(merchant, {}).update(
                compared=compared, loyal_before=before, loyal_after=after, loyal_buyers=buyers
            )
    return {merchant: CashFlow(**found.get(merchant, {})) for merchant in drawn_on}
