"""Reshape a history once: into orders, reversals, daily flows and buyers.

Every measure sums over one of these relations, so a rule of the history ("a refund counts if a row of its
order counted before") is written once and the rows themselves are read only a few times.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, IntegerScalar, IntegerValue, StringValue

HISTORY_SCHEMA = ibis.schema(
    {
        "merchant_id": "int64",
        "escrow": "boolean",
        "d": "int64",
        "kind": "string",
        "order_ref": "string",
        "external_id": "string",
        "amount_minor": "int64",
        "buyer": "int64",
        "value": "int64",
    }
)

INT64: Final = "!int64"
"""Cast sums to this: Ibis takes a sum for int64 already, and would drop a cast to the nullable type."""


OLDER_THAN_THE_FEED: Final = 180
"""Days after a merchant's first SALE in which a refund may be of an order sold before: no buyer may dispute later."""
FARTHEST: Final = 2**61
"""Minor units; twice that still fits 64 bits."""


def history() -> Table:
    """Return the relation that an engine binds: rows before as_of, known at the watermark, not superseded.

    `d` is whole days before as_of, 0 the last whole day, never below 0: no expression can look past as_of,
    because as_of is not in it. `escrow`: how the merchant's sales settle.
    """
    return ibis.table(HISTORY_SCHEMA, name="history")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """A history, reshaped.

    kinds: one row a merchant and kind; orders: one row an order with a SALE, SETTLEMENT, CANCEL or CHARGEBACK;
    reversals: one row a REFUND, CHARGEBACK or CHARGEBACK_WON; flows: one row a merchant and day with
    rows of money or sales; buyers: one row a merchant and buyer of 180 days.
    """

    kinds: Table
    orders: Table
    reversals: Table
    flows: Table
    buyers: Table


Reversed = Callable[[Table, Table], Table]
"""Rows and orders to reversals: merchant_id, order_ref, kind, d, its effect `s_minor`, its `age`, and `counts_d`.

The age is the order's, null if that was never sold; `counts_d` is the day on which it enters s, null if it does not.
"""


def relations(rows: Table, reversed_by: Reversed) -> Relations:
    """Reshape a history by a rule for reversals; nothing is computed until an engine runs it."""
    orders = _orders(rows)
    back = reversed_by(rows, orders)
    return Relations(kinds=_kinds(rows), orders=orders, reversals=back, flows=_flows(rows, back), buyers=_buyers(rows))


def total(amount: IntegerValue, where: BooleanValue | None = None) -> IntegerScalar:
    """Sum exactly, 0 over no row, as int64: PostgreSQL gives numeric, DuckDB 128 bits.

    A sum beyond FARTHEST is clamped to it: one absurd history must not stop its whole shard.
    """
    return bounded(amount.sum(where=where).coalesce(0))


def bounded(amount: IntegerValue) -> IntegerScalar:
    """Clamp a sum to FARTHEST on both sides, as int64."""
    result: IntegerScalar = ibis.least(ibis.greatest(amount, -FARTHEST), FARTHEST).cast(INT64)
    return result


def tally(where: BooleanValue) -> IntegerScalar:
    """Count the rows of a group for which the condition holds, as int64."""
    result: IntegerScalar = where.count(where=where)
    return result


def within(day: IntegerValue, first: int, last: int) -> BooleanValue:
    """Select the days from `first` to `last`, both included; a null day is not selected."""
    result: BooleanValue = day.between(first, last)
    return result


def joined(left: Table, others: Mapping[str, Table]) -> Table:
    """Left-join relations of one row a merchant; where one has no row, its columns are null."""
    for name, other in others.items():
        left = left.left_join(other, "merchant_id", rname=f"{{name}}_{name}")
    return left.drop(*(f"merchant_id_{name}" for name in others))  # at the end: one SELECT joins them all


def counted(rows: Table) -> BooleanValue:
    """Select the rows that bring a sale into s: when settled under ESCROW, when paid under IMMEDIATE."""
    result: BooleanValue = (rows.escrow & (rows.kind == "SETTLEMENT")) | (~rows.escrow & (rows.kind == "SALE"))
    return result


def _order_key(rows: Table) -> StringValue:
    result: StringValue = rows.order_ref.coalesce(rows.external_id)
    return result


def _kinds(rows: Table) -> Table:
    """Return one row a merchant and kind: its rows of some days, those with a buyer or a value, and the values' sum."""
    half_a_year = within(rows.d, 0, 179)
    return rows.group_by("merchant_id", "kind").agg(
        rows_365=tally(within(rows.d, 0, 364)),
        rows_180=tally(half_a_year),
        named_180=tally(half_a_year & rows.buyer.notnull()),
        values_180=tally(half_a_year & rows.value.notnull()),
        value_sum_180=total(rows.value, half_a_year),
        rows_90=tally(within(rows.d, 0, 89)),
        above_zero_90=tally(within(rows.d, 0, 89) & (rows.value > 0)),
    )


def _orders(rows: Table) -> Table:
    """Return one row an order: its first and last SALE, its sales, the first row that counted, and what went wrong."""
    rows = rows.filter(rows.kind.isin(["SALE", "SETTLEMENT", "CANCEL", "CHARGEBACK"]))
    sale = rows.kind == "SALE"
    return rows.group_by(rows.merchant_id, order_key=_order_key(rows)).agg(
        first_sale_d=rows.d.max(where=sale),
        last_sale_d=rows.d.min(where=sale),
        last_named_d=rows.d.min(where=sale & rows.buyer.notnull()),
        sale_minor=total(rows.amount_minor, sale),
        counted_minor=total(rows.amount_minor, counted(rows)),
        counted_d=rows.d.max(where=counted(rows)),
        last_counted_d=rows.d.min(where=counted(rows)),
        last_cancel_d=rows.d.min(where=rows.kind == "CANCEL"),
        charged_back_d=rows.d.max(where=rows.kind == "CHARGEBACK"),
    )


def reversals(rows: Table, orders: Table) -> Table:
    """Count a reversal on its own day, and once its order has counted: whichever clock ran ahead.

    An order never counts above what was paid less what was taken back before it counted; the excess, of kind EXCESS, is
    taken off on the day it last counted. So it does not matter whether a refund out of escrow was taken off the
    settlement. An order without SALE and SETTLEMENT was sold before the feed begins, if the reversal comes early in the
    feed. A chargeback won counts if its chargeback does, and not before it.
    """
    opened = orders.group_by("merchant_id").agg(opened_d=orders.first_sale_d.max())
    both = joined(_with_orders(rows, orders, ["REFUND", "CHARGEBACK", "CHARGEBACK_WON"]), {"opened": opened})
    is_won, is_loose = both.kind == "CHARGEBACK_WON", both.order_ref.isnull()
    since = is_won.ifelse(both.charged_back_d, both.d)
    is_older = both.first_sale_d.isnull() & both.counted_d.isnull() & (since > both.opened_d - OLDER_THAN_THE_FEED)
    is_taken = is_loose | (is_older | (both.counted_d >= since)).coalesce(False)
    is_given = is_taken | (both.charged_back_d.notnull() & both.counted_d.notnull() & (both.sale_minor > 0))
    came = ibis.least(both.d, both.charged_back_d.coalesce(both.d), both.counted_d.coalesce(both.d))
    single = both.select(
        "merchant_id",
        "order_ref",
        "kind",
        "d",
        s_minor=is_won.ifelse(both.amount_minor, -both.amount_minor),
        age=is_loose.ifelse(both.d, both.first_sale_d),
        counts_d=is_won.ifelse(
            is_given.coalesce(False).ifelse(is_loose.ifelse(both.d, came), ibis.null("int64")),
            is_taken.ifelse(both.d, ibis.null("int64")),
        ),
    )
    return ibis.union(single, _excess(orders, both.filter(~is_won, both.d > both.counted_d)))


def _excess(orders: Table, early: Table) -> Table:
    """Return what orders counted above what was paid, less what was taken back early, as reversals.

    In two parts, so that the orders need not be joined again: what they counted above what was paid, and how much more
    the early reversals of some make of it.
    """
    counted = orders.filter(orders.sale_minor > 0, orders.counted_minor > orders.sale_minor)
    above = counted.select(
        "merchant_id",
        order_ref=counted.order_key,
        excess=counted.counted_minor - counted.sale_minor,
        d=counted.last_counted_d,
        age=counted.first_sale_d,
    )
    early = early.filter(early.sale_minor > 0)
    taken = early.group_by("merchant_id", "order_ref").agg(
        early_minor=total(early.amount_minor),
        room=(early.sale_minor - early.counted_minor).max(),
        d=early.last_counted_d.min(),
        age=early.first_sale_d.max(),
    )
    zero = ibis.literal(0, "int64")
    more = taken.early_minor - ibis.greatest(taken.room, zero)
    taken = taken.select("merchant_id", "order_ref", excess=more, d=taken.d, age=taken.age)
    both = ibis.union(above, taken.filter(taken.excess > 0))
    return both.select(
        "merchant_id",
        "order_ref",
        kind=ibis.literal("EXCESS"),
        d=both.d,
        s_minor=-both.excess,
        age=both.age,
        counts_d=both.d,
    )


def day_one_reversals(rows: Table, orders: Table) -> Table:
    """Count a refund or chargeback on its own day, if a row of its order counted by then, or if it names none."""
    both = _with_orders(rows, orders, ["REFUND", "CHARGEBACK"])
    is_loose = both.order_ref.isnull()
    is_in_s = is_loose | (both.counted_d >= both.d).coalesce(False)
    return both.select(
        "merchant_id",
        "order_ref",
        "kind",
        "d",
        s_minor=-both.amount_minor,
        age=is_loose.ifelse(both.d, both.first_sale_d),
        counts_d=is_in_s.ifelse(both.d, ibis.null("int64")),
    )


def _with_orders(rows: Table, orders: Table, kinds: list[str]) -> Table:
    """Join rows of these kinds to their orders; those without one, or without a SALE in it, get nulls."""
    rows = rows.filter(rows.kind.isin(kinds))
    return rows.left_join(
        orders, [rows.merchant_id == orders.merchant_id, rows.order_ref == orders.order_key], rname="{name}_order"
    )


def _flows(rows: Table, back: Table) -> Table:
    """Return one row a merchant and day: net sales s, balance movement, PAYOUT, SALE rows.

    `balance_rows` counts the rows that move the balance, to tell the days before the first of them.
    """
    is_counted = counted(rows)
    sale = rows.kind == "SALE"
    income = rows.filter(rows.kind.isin(["SALE", "SETTLEMENT", "DEPOSIT", "FEE", "FEE_RETURNED", "PAYOUT"]))
    incoming = is_counted | rows.kind.isin(["DEPOSIT", "FEE_RETURNED"])
    outgoing = rows.kind.isin(["FEE", "PAYOUT"])
    income = income.select(
        "merchant_id",
        "d",
        s_minor=is_counted.ifelse(rows.amount_minor, 0),
        balance_minor=incoming.ifelse(rows.amount_minor, outgoing.ifelse(-rows.amount_minor, 0)),
        payout_minor=(rows.kind == "PAYOUT").ifelse(rows.amount_minor, 0),
        moves_balance=incoming | outgoing,
        is_sale=sale,
    )
    back = back.filter(back.counts_d.notnull())
    change = back.select(
        "merchant_id",
        d=back.counts_d,
        s_minor=back.s_minor,
        balance_minor=back.s_minor,
        payout_minor=ibis.literal(0, "int64"),
        moves_balance=ibis.literal(True),  # noqa: FBT003
        is_sale=ibis.literal(False),  # noqa: FBT003
    )
    moves = ibis.union(income, change)
    return moves.group_by("merchant_id", "d").agg(
        s_minor=total(moves.s_minor),
        balance_minor=total(moves.balance_minor),
        payout_minor=total(moves.payout_minor),
        balance_rows=tally(moves.moves_balance),
        sale_rows=tally(moves.is_sale),
    )


def balance_moves(rows: Table) -> Table:
    """Return by how much each merchant's balance moves on a day: merchant_id, d and balance_minor."""
    flows = relations(rows, reversals).flows
    return flows.select("merchant_id", "d", "balance_minor")


def balances(rows: Table) -> Table:
    """Sum each merchant's flows: merchant_id and balance_minor, what the platform holds for it before as_of.

    As in s, a reversal counts once its order has counted: before, the money of both is in escrow.
    """
    flows = relations(rows, reversals).flows
    return flows.group_by("merchant_id").agg(balance_minor=total(flows.balance_minor))


def _buyers(rows: Table) -> Table:
    """Return one row a merchant and named buyer of 180 days: pairs with an order, SALE amount, last SALE."""
    rows = rows.filter(rows.kind == "SALE", rows.buyer.notnull(), rows.d < 180)  # noqa: PLR2004 - the window
    pairs = rows.group_by(rows.merchant_id, rows.buyer, order_key=_order_key(rows)).agg(
        sale_minor=total(rows.amount_minor), last_sale_d=rows.d.min()
    )
    return pairs.group_by("merchant_id", "buyer").agg(
        pairs=pairs.count(), sale_minor=total(pairs.sale_minor), last_sale_d=pairs.last_sale_d.min()
    )
