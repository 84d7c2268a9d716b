"""Measure a history: exact integers only, in SQL that PostgreSQL, DuckDB and Spark compute alike.

Sums in minor units, counts, days before as_of. Nothing is divided here: ratios, logs and medians are taken
from these by `characteristics`, so that engines agree exactly.
"""

from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import IntegerScalar

from scoring.domain.features.relations import (
    INT64,
    Relations,
    Reversed,
    bounded,
    joined,
    relations,
    tally,
    total,
    within,
)

MONTHS: Final = 12
WEEKS: Final = 26
DAYS_IN_MONTH: Final = 30
DAYS_IN_WEEK: Final = 7

MONTH_NAMES: Final = tuple(f"s_month_{month}" for month in range(MONTHS))
WEEK_NAMES: Final = tuple(f"s_week_{week}" for week in range(WEEKS))
NULLABLE_MEASURES: Final = frozenset({"first_sale_d", "last_sale_d", "low_balance_90"})
"""Null where there is no SALE, or no day of balance in 90 days; every other measure is 0 without rows."""

MEASURE_NAMES: Final = (
    "first_sale_d",
    "last_sale_d",
    "orders_ever",
    "orders_90",
    "orders_45_224",
    "sales_14_103",
    "sales_104_193",
    "refunds_14_103",
    "refunds_104_193",
    "chargebacks_45_224",
    "cancelled_orders_90",
    "active_days_90",
    "sale_weeks_26",
    "s_275_364",
    "s_365",
    "payout_90",
    "low_balance_90",
    "dispatches_90",
    "late_dispatches_90",
    "rating_sum_180",
    "ratings_180",
    "buyers_90",
    "named_orders_180",
    "named_sales_180",
    "top5_sales_180",
    "pairs_180",
    "repeat_pairs_180",
    *MONTH_NAMES,
    *WEEK_NAMES,
)
"""Month i is days 30i to 30i+29, week i days 7i to 7i+6, so s(30) is month 0 and s(90) months 0 to 2."""

CARRIED_KINDS: Final = ("REFUND", "CHARGEBACK", "CANCEL", "REVIEW", "DISPATCH", "PAYOUT")
REFERENCE_MEASURE_NAMES: Final = (
    "s_90",
    "sale_rows_90",
    "rating_sum_180",
    "ratings_180",
    *(f"{kind.lower()}_rows_365" for kind in CARRIED_KINDS),
    "sale_rows_180",
    "named_sale_rows_180",
    "unsold_reversals_365",
    "settled_above_paid_365",
)

ALL_MEASURE_NAMES: Final = tuple(dict.fromkeys((*MEASURE_NAMES, *REFERENCE_MEASURE_NAMES)))


def measures(rows: Table, reversed_by: Reversed) -> Table:
    """Measure each merchant that has a row: merchant_id and MEASURE_NAMES, all int64, in this order."""
    parts = relations(rows, reversed_by)
    return _complete(joined(_of_kinds(parts), _of_merchants(parts)), MEASURE_NAMES)


def reference_measures(rows: Table, reversed_by: Reversed) -> Table:
    """Measure what a merchant contributes to the references: merchant_id and REFERENCE_MEASURE_NAMES, all int64."""
    parts = relations(rows, reversed_by)
    return _complete(joined(_of_kinds(parts), _of_peers(parts)), REFERENCE_MEASURE_NAMES)


def all_measures(rows: Table, reversed_by: Reversed) -> Table:
    """Measure both in one pass: merchant_id and ALL_MEASURE_NAMES."""
    parts = relations(rows, reversed_by)
    return _complete(joined(_of_kinds(parts), {**_of_merchants(parts), **_of_peers(parts)}), ALL_MEASURE_NAMES)


def _of_merchants(parts: Relations) -> dict[str, Table]:
    return {
        "orders": _of_orders(parts),
        "reversals": _of_reversals(parts),
        "disputes": _of_disputes(parts),
        "flows": _of_flows(parts),
        "balance": _of_balance(parts),
        "buyers": _of_buyers(parts),
        "top": _of_largest_buyers(parts),
    }


def _of_peers(parts: Relations) -> dict[str, Table]:
    return {"orders": _of_orders(parts), "reversals": _of_reversals(parts), "flows": _of_flows(parts)}


def _of_kinds(parts: Relations) -> Table:
    """Return a row for each merchant that has one: what it is told of, and what its kinds carry."""
    kinds = parts.kinds

    def of(kind: str, measure: str) -> IntegerScalar:
        return total(kinds[measure], kinds.kind == kind)

    return kinds.group_by("merchant_id").agg(
        **{f"{kind.lower()}_rows_365": of(kind, "rows_365") for kind in CARRIED_KINDS},
        sale_rows_180=of("SALE", "rows_180"),
        named_sale_rows_180=of("SALE", "named_180"),
        rating_sum_180=of("REVIEW", "value_sum_180"),
        ratings_180=of("REVIEW", "values_180"),
        dispatches_90=of("DISPATCH", "rows_90"),
        late_dispatches_90=of("DISPATCH", "above_zero_90"),
    )


def _complete(table: Table, names: tuple[str, ...]) -> Table:
    whole = {name: table[name] if name in NULLABLE_MEASURES else table[name].coalesce(0) for name in names}
    return table.select("merchant_id", **whole)


def _of_orders(parts: Relations) -> Table:
    orders = parts.orders
    age = orders.first_sale_d
    return orders.group_by("merchant_id").agg(
        first_sale_d=age.max(),
        last_sale_d=orders.last_sale_d.min(),
        orders_ever=tally(age.notnull()),
        orders_90=tally(within(orders.last_sale_d, 0, 89)),
        orders_45_224=tally(within(age, 45, 224)),
        sales_14_103=total(orders.sale_minor, within(age, 14, 103)),
        sales_104_193=total(orders.sale_minor, within(age, 104, 193)),
        cancelled_orders_90=tally(within(orders.last_cancel_d, 0, 89)),
        named_orders_180=tally(within(orders.last_named_d, 0, 179)),
        # The excess of an order that was settled above what was paid is in no score.
        settled_above_paid_365=tally(
            within(orders.last_counted_d, 0, 364) & (orders.sale_minor > 0) & (orders.counted_minor > orders.sale_minor)
        ),
    )


def _of_reversals(parts: Relations) -> Table:
    back = parts.reversals
    refund = back.kind == "REFUND"
    return back.group_by("merchant_id").agg(
        refunds_14_103=total(-back.s_minor, refund & within(back.age, 14, 103)),
        refunds_104_193=total(-back.s_minor, refund & within(back.age, 104, 193)),
        # Of orders that were not sold here: older than the feed, or told by a wrong id.
        unsold_reversals_365=tally(back.age.isnull() & within(back.d, 0, 364)),
    )


def _of_disputes(parts: Relations) -> Table:
    """Count the chargebacks that were not won: an order's wins can make up for no other order's."""
    back = parts.reversals
    back = back.filter(within(back.age, 45, 224))
    won = tally((back.kind == "CHARGEBACK_WON") & back.counts_d.notnull())
    orders = back.group_by("merchant_id", "order_ref").agg(
        lost=ibis.greatest(tally(back.kind == "CHARGEBACK") - won, 0).cast(INT64)
    )
    return orders.group_by("merchant_id").agg(chargebacks_45_224=total(orders.lost))


def _of_flows(parts: Relations) -> Table:
    flows = parts.flows.filter(within(parts.flows.d, 0, 364))
    sold = flows.sale_rows > 0
    # A week is named by its first day: a remainder is exact everywhere, a division is not.
    week = flows.d - flows.d % DAYS_IN_WEEK
    return flows.group_by("merchant_id").agg(
        s_365=total(flows.s_minor),
        s_90=total(flows.s_minor, within(flows.d, 0, 89)),
        sale_rows_90=total(flows.sale_rows, within(flows.d, 0, 89)),
        s_275_364=total(flows.s_minor, within(flows.d, 275, 364)),
        payout_90=total(flows.payout_minor, within(flows.d, 0, 89)),
        active_days_90=tally(sold & within(flows.d, 0, 89)),
        sale_weeks_26=week.nunique(where=sold & within(flows.d, 0, WEEKS * DAYS_IN_WEEK - 1)),
        **{name: _block(flows, i, DAYS_IN_MONTH) for i, name in enumerate(MONTH_NAMES)},
        **{name: _block(flows, i, DAYS_IN_WEEK) for i, name in enumerate(WEEK_NAMES)},
    )


def _block(flows: Table, number: int, days: int) -> IntegerScalar:
    return total(flows.s_minor, within(flows.d, number * days, (number + 1) * days - 1))


def _of_balance(parts: Relations) -> Table:
    """Find the lowest end-of-day balance of 90 days, from the day of the first row that moves it.

    A day without a row keeps the balance of the day before: besides the days with rows, only the end of day 89
    can be a low of its own, and it is the sum of everything up to it.
    """
    flows = parts.flows.filter(parts.flows.balance_rows > 0)
    days = flows.select(
        "merchant_id",
        "d",
        # Cast outside the window: the running sum is numeric on PostgreSQL.
        balance=bounded(
            flows.balance_minor.sum().over(group_by=flows.merchant_id, order_by=flows.d.desc(), rows=(None, 0))
        ),
        balance_minor=flows.balance_minor,
    )
    early = days.d >= 89  # noqa: PLR2004 - up to the end of the first of the 90 days
    lows = days.group_by("merchant_id").agg(
        low=days.balance.min(where=within(days.d, 0, 89)),
        opening=total(days.balance_minor, early),
        opened=tally(early),
    )
    opening = (lows.opened > 0).ifelse(lows.opening, lows.low)
    return lows.select("merchant_id", low_balance_90=ibis.least(lows.low.coalesce(opening), opening))


def _of_buyers(parts: Relations) -> Table:
    buyers = parts.buyers
    return buyers.group_by("merchant_id").agg(
        buyers_90=tally(within(buyers.last_sale_d, 0, 89)),
        named_sales_180=total(buyers.sale_minor),
        pairs_180=total(buyers.pairs),
        repeat_pairs_180=total(buyers.pairs, buyers.pairs > 1),
    )


def _of_largest_buyers(parts: Relations) -> Table:
    buyers = parts.buyers
    rank = ibis.row_number().over(group_by=buyers.merchant_id, order_by=[buyers.sale_minor.desc(), buyers.buyer])
    ranked = buyers.select("merchant_id", "sale_minor", rank=rank)
    largest = ranked.filter(ranked["rank"] < 5)  # noqa: PLR2004 - ranks from 0
    return largest.group_by("merchant_id").agg(top5_sales_180=total(largest.sale_minor))
