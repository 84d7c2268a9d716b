"""Derive every characteristic from the measures, over whole columns, quantised once, half to even."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.kernel.exact import BASIS_POINTS, Int64s, Integers
from scoring.domain.features.columns import (
    Booleans,
    Column,
    column,
    exact,
    half_even,
    log_slope,
    lowest_and_median,
    ratio,
    stacked,
    variation,
)
from scoring.domain.features.declarations import FEATURES, Feed
from scoring.domain.features.measures import DAYS_IN_MONTH, DAYS_IN_WEEK, MONTH_NAMES, MONTHS, WEEK_NAMES, WEEKS

FEWEST_BLOCKS: Final = 6
FEWEST_NAMED_ORDERS: Final = 30
DAYS_OF_GROWTH: Final = 180
PRIOR_REVIEWS: Final = 20
SEASON_LOW: Final = 7_000
SEASON_HIGH: Final = 11_000
MONTHS_OF_SEASON: Final = 15
FLOOR_OF_MEDIAN: Final = 20
"""A month enters the trend with at least one twentieth (5 %) of the median."""

CHARACTERISTIC_NAMES: Final = (
    "tenure_m",
    "sales_90",
    "sales_90_percentile",
    "med_month_12",
    "orders_90",
    "resilience",
    "active_days_90",
    "growth_90",
    "trend_12",
    "cv_week_180",
    "zero_weeks_180",
    "refund_value_90m",
    "refund_delta",
    "dispute_180m",
    "cancel_late",
    "rating_180",
    "top5_180",
    "repeat_180",
    "buyers_90",
    "recency_d",
    "min_cover_90",
    "season",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The pinned references, as they apply to each merchant, row by row.

    cell: position in `cuts`, -1 where there is none; cuts: one row of 99 rising cuts per cell, in minor units;
    rating_sum, rating_count: of the reviews of the merchant's category; carried: what its feed carries.
    """

    cell: Int64s
    cuts: Int64s
    rating_sum: Int64s
    rating_count: Int64s
    carried: Mapping[Feed, Booleans]


def absences(peers: Peers, names: Iterable[str]) -> dict[str, Booleans]:
    """Return, by each named characteristic, the merchants whose feeds carry none of its inputs."""
    return {
        name: ~np.logical_or.reduce([peers.carried[feed] for feed in sorted(FEATURES[name].feeds)])
        for name in names
        if FEATURES[name].feeds
    }


def characteristics(measured: Mapping[str, Column], peers: Peers) -> dict[str, Column]:
    """Derive CHARACTERISTIC_NAMES, in this order, in the units that `FEATURES` declares; absent ones are null."""
    values = {name: exact(measure.values) for name, measure in measured.items()}
    found = {
        **_activity(measured, values),
        **_months(measured, peers),
        **_weeks(measured, values),
        **_service(values, peers),
        **_buyers(values),
        "min_cover_90": _cover(measured, values),
    }
    found["season"] = _season(values, found["tenure_m"])
    for name, absent in absences(peers, CHARACTERISTIC_NAMES).items():
        found[name] = found[name].hidden(absent)
    return {name: found[name] for name in CHARACTERISTIC_NAMES}


def beside_history(repayment: Int64s) -> dict[str, Column]:
    """Return the repayment level, and that nothing is flagged: by sets that do not look for it."""
    return {"repayment": column(repayment), "flagged_share": column(np.zeros_like(repayment))}


def whole_blocks(first_sale: Column, days: int, most: int) -> Int64s:
    """Count the blocks of `days` back from as_of that lie wholly after the day of the first SALE."""
    return np.where(first_sale.null, 0, np.minimum(first_sale.values // days, most))


def percentiles(sales: Int64s, peers: Peers) -> Column:
    """Count the cuts of each merchant's cell that its sales reach; null without a cell."""
    reached = np.zeros(len(sales), np.int64)
    order = np.argsort(peers.cell, kind="stable")
    cells, starts = np.unique(peers.cell[order], return_index=True)
    for cell, rows in zip(cells.tolist(), np.split(order, starts)[1:], strict=True):
        if cell >= 0:
            reached[rows] = np.searchsorted(peers.cuts[cell], sales[rows], side="right")
    return column(reached, peers.cell < 0)


def _activity(measured: Mapping[str, Column], values: Mapping[str, Integers]) -> dict[str, Column]:
    first = measured["first_sale_d"]
    return {
        "tenure_m": column(values["first_sale_d"] // DAYS_IN_MONTH, first.null),
        "recency_d": measured["last_sale_d"],
        "orders_90": measured["orders_90"],
        "active_days_90": measured["active_days_90"],
        "buyers_90": measured["buyers_90"],
    }


def _months(measured: Mapping[str, Column], peers: Peers) -> dict[str, Column]:
    first = measured["first_sale_d"]
    blocks, counts = stacked(measured, MONTH_NAMES), whole_blocks(first, DAYS_IN_MONTH, MONTHS)
    few = counts < FEWEST_BLOCKS
    lowest, doubled = lowest_and_median(blocks, np.where(few, 0, counts))
    quarter, before = blocks[:, :3].sum(axis=1), blocks[:, 3:6].sum(axis=1)
    young = first.null | (first.values < DAYS_OF_GROWTH)
    sales = column(quarter)
    return {
        "sales_90": sales,
        "sales_90_percentile": percentiles(sales.values, peers),
        "med_month_12": column(half_even(doubled, np.full_like(doubled, 2), 1), few),
        "resilience": ratio(lowest * 2, doubled, BASIS_POINTS).hidden(few),
        "growth_90": ratio(quarter - before, before, BASIS_POINTS).hidden(young),
        # 5 % of the median is doubled ÷ 40: months times 40 against it stays in integers.
        "trend_12": log_slope(blocks, counts, doubled, 2 * FLOOR_OF_MEDIAN).hidden(few),
    }


def _weeks(measured: Mapping[str, Column], values: Mapping[str, Integers]) -> dict[str, Column]:
    first = measured["first_sale_d"]
    counts = whole_blocks(first, DAYS_IN_WEEK, WEEKS)
    few = counts < FEWEST_BLOCKS
    # The week of the first SALE has a sale, but is not a whole week after it: within 26 weeks, it is among those
    # counted.
    own = ~first.null & (first.values < WEEKS * DAYS_IN_WEEK)
    return {
        "cv_week_180": variation(stacked(measured, WEEK_NAMES), counts).hidden(few),
        "zero_weeks_180": column(counts - (values["sale_weeks_26"] - own), few),
    }


def _service(values: Mapping[str, Integers], peers: Peers) -> dict[str, Column]:
    recent = ratio(values["refunds_14_103"], values["sales_14_103"], BASIS_POINTS)
    before = ratio(values["refunds_104_193"], values["sales_104_193"], BASIS_POINTS)
    return {
        "refund_value_90m": recent,
        "refund_delta": column(exact(recent.values) - exact(before.values), recent.null | before.null),
        "dispute_180m": ratio(values["chargebacks_45_224"], values["orders_45_224"], BASIS_POINTS),
        "cancel_late": _cancel_late(values, peers),
        "rating_180": _rating(values, peers),
    }


def _cancel_late(values: Mapping[str, Integers], peers: Peers) -> Column:
    """Add two shares over one divisor, so that their sum is rounded once; a missing term is 0 ÷ 1."""
    orders, dispatches = values["orders_90"], values["dispatches_90"]
    no_orders, no_dispatches = ~peers.carried[Feed.CANCEL] | (orders <= 0), ~peers.carried[Feed.DISPATCH]
    no_dispatches = no_dispatches | (dispatches <= 0)
    cancelled, orders = np.where(no_orders, 0, values["cancelled_orders_90"]), np.where(no_orders, 1, orders)
    late, dispatches = np.where(no_dispatches, 0, values["late_dispatches_90"]), np.where(no_dispatches, 1, dispatches)
    share = ratio(cancelled * dispatches + late * orders, orders * dispatches, BASIS_POINTS)
    return share.hidden(no_orders & no_dispatches)


def _rating(values: Mapping[str, Integers], peers: Peers) -> Column:
    """Shrink to the category mean m and subtract it: (sum + 20 m) ÷ (n + 20) - m = (sum - n m) ÷ (n + 20)."""
    number, count, total = values["ratings_180"], exact(peers.rating_count), exact(peers.rating_sum)
    above = values["rating_sum_180"] * count - number * total
    return ratio(above, (number + PRIOR_REVIEWS) * count, 100)


def _buyers(values: Mapping[str, Integers]) -> dict[str, Column]:
    few = np.asarray(values["named_orders_180"] < FEWEST_NAMED_ORDERS, np.bool_)
    return {
        "top5_180": ratio(values["top5_sales_180"], values["named_sales_180"], BASIS_POINTS).hidden(few),
        "repeat_180": ratio(values["repeat_pairs_180"], values["pairs_180"], BASIS_POINTS),
    }


def _cover(measured: Mapping[str, Column], values: Mapping[str, Integers]) -> Column:
    low = measured["low_balance_90"]
    return ratio(values["low_balance_90"], values["payout_90"], 90).hidden(low.null)


def _season(values: Mapping[str, Integers], tenure: Column) -> Column:
    index = ratio(4 * values["s_275_364"], values["s_365"], BASIS_POINTS)
    unknown = index.null | tenure.null | (tenure.values < MONTHS_OF_SEASON)
    return column(np.where(unknown, BASIS_POINTS, np.clip(index.values, SEASON_LOW, SEASON_HIGH)))
