"""The rows of a market, when each was known, and which of them came too late to be believed as they stand."""

from dataclasses import dataclass
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, IntegerValue

from scoring.domain.features.relations import INT64, tally, within

MARKET_SCHEMA: Final = ibis.schema(
    {
        "merchant_id": "int64",
        "market": "int64",
        "d": "int64",
        "known_d": "int64",
        "kind": "string",
        "order_ref": "string",
        "external_id": "string",
        "amount_minor": "int64",
        "buyer": "int64",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which on a mark fires: days, counts, basis points (`_bp`), and how many times the usual (`_times`).

    few: what concerns fewer than one in so many merchants of a market is its merchants' own. captive: orders of a
    buyer, buyers, share, and days for which a shop must have sold, so that "new" means something; a case for each.
    """

    late_days: int = 14
    few: int = 10
    late_bp: int = 2_000
    captive: tuple[tuple[int, int, int, int], ...] = (
        (2, 2, 3_500, 360),
        (2, 3, 1_500, 360),
        (3, 2, 800, 270),
        (3, 3, 3_000, 180),
    )
    captive_times: int = 2
    ring_shops: int = 6
    ring_orders: int = 4
    ring_shared: int = 2
    ring_bp: int = 300
    refund_days: int = 45
    paid_back_bp: int = 300
    echo_days: int = 2
    echo_orders: int = 3
    echo_buyers: int = 2
    echo_bp: int = 500
    echo_covered_bp: int = 3_333
    burst_days: int = 180
    burst_orders: int = 6
    burst_times: int = 6
    burst_most: int = 2
    burst_bp: int = 1_000
    round_bp: int = 4_000
    round_rows: int = 20
    round_rows_before: int = 50
    round_spike_bp: int = 15_000


THRESHOLDS: Final = Thresholds()
"""Tuned on simulated markets and read on others: docs/algorithms/integrity.md."""
FAR: Final = 2**49
"""Minor units, and rows; ten thousand times that still fits 64 bits."""


def market() -> Table:
    """Return the relation that an engine binds: rows before as_of of whole markets, as they are known, not superseded.

    market: whose buyers are told apart by the same names. d: whole days before as_of, never below 0. known_d: the same
    of the day on which the row was known, below 0 if that was later; above d if a clock ran ahead.
    """
    return ibis.table(MARKET_SCHEMA, name="market")


def reaches(part: IntegerValue, whole: IntegerValue, bp: int) -> BooleanValue:
    """Check whether a part is above 0 and at least so many basis points of the whole."""
    result: BooleanValue = (part > 0) & (ibis.least(part, FAR) * 10_000 >= ibis.least(whole, FAR) * bp)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """When rows were known.

    sales: one row a SALE, with is_late; members: one row a merchant, with its rows, those that came late, whether that
    is its own doing (is_late), and first_known_d, the age of its first SALE as it was known.
    """

    sales: Table
    members: Table


def arrivals(rows: Table) -> Arrivals:
    """Tell late rows from those of a feed that is late for everybody.

    A row is late if it was known more than `late_days` after it happened, on a day on which fewer than one in `few`
    merchants of its market were told such rows. If one in `few` merchants has late rows all the same, as where each
    sends a file of its own once a quarter, none are.
    """
    own = _own_days(rows)
    rows = rows.left_join(own, ["market", "known_d"], rname="{name}_own")
    rows = rows.mutate(is_late=rows.is_own.notnull() & _is_behind(rows))
    members = rows.group_by("market", "merchant_id").agg(
        rows_180=tally(within(rows.d, 0, 179)),
        late_rows_180=tally(within(rows.d, 0, 179) & rows.is_late),
        rows_365=tally(within(rows.d, 0, 364)),
        late_rows_365=tally(within(rows.d, 0, 364) & rows.is_late),
        first_d=rows.d.max(where=rows.kind == "SALE"),
        first_late_d=rows.known_d.max(where=(rows.kind == "SALE") & rows.is_late),
        first_timely_d=rows.d.max(where=(rows.kind == "SALE") & ~rows.is_late),
    )
    members = members.mutate(
        is_late=reaches(members.late_rows_180, members.rows_180, THRESHOLDS.late_bp)
        | reaches(members.late_rows_365, members.rows_365, THRESHOLDS.late_bp)
    )
    sizes = members.group_by("market").agg(size=members.count(), late=tally(members.is_late))
    sizes = sizes.select("market", is_usual=sizes.late * THRESHOLDS.few >= sizes.size)
    members = members.join(sizes, "market")
    zero = ibis.literal(0, "int64")
    known = ibis.greatest(ibis.greatest(members.first_late_d, zero), members.first_timely_d.coalesce(0))
    members = members.select(
        "merchant_id",
        "rows_180",
        "first_d",
        is_late=members.is_late & ~members.is_usual,
        late_rows_180=members.is_usual.ifelse(zero, members.late_rows_180),
        first_known_d=(members.is_usual | members.first_late_d.isnull()).ifelse(members.first_d, known),
    )
    sales = rows.filter(rows.kind == "SALE")
    sales = sales.select(
        "merchant_id",
        "market",
        "d",
        "external_id",
        "amount_minor",
        "buyer",
        "is_late",
        order_key=sales.order_ref.coalesce(sales.external_id),
    )
    return Arrivals(sales=sales, members=members)


def _is_behind(rows: Table) -> BooleanValue:
    result: BooleanValue = rows.d - rows.known_d > THRESHOLDS.late_days
    return result


def _own_days(rows: Table) -> Table:
    """Return the days, by market, on which some rows came late, and hardly any merchant had one."""
    behind = rows.filter(_is_behind(rows))
    told = behind.group_by("market", "known_d", "merchant_id").agg(rows=behind.count())
    days = told.group_by("market", "known_d").agg(told=told.count())
    members = rows.group_by("market", "merchant_id").agg(rows=rows.count())
    sizes = members.group_by("market").agg(size=members.count())
    days = days.join(sizes, "market")
    days = days.filter(days.told * THRESHOLDS.few < days["size"])
    return days.select("market", "known_d", is_own=ibis.literal(1, "int64").cast(INT64))
