"""Reshape a history once: into orders, reversals, daily flows and buyers.

Every measure sums over one of these relations, so a rule of the history ("a refund counts if a row of its
order counted before") is written once and the rows themselves are read only a few times.
"""

from collections.abc import Mapping
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

    orders: one row an order with a SALE, SETTLEMENT or CANCEL; reversals: one row a REFUND or CHARGEBACK;
    flows: one row a merchant and day with money or a SALE; buyers: one row a merchant and buyer of 180 days.
    """

    history: Table
    orders: Table
    reversals: Table
    flows: Table
    buyers: Table


def relations(rows: Table) -> Relations:
    """Reshape a history; nothing is computed until an engine runs it."""
    orders = _orders(rows)
    reversals = _reversals(rows, orders)
    return Relations(
        history=rows, orders=orders, reversals=reversals, flows=_flows(rows, reversals), buyers=_buyers(rows)
    )


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
        left = left.left_join(other, "merchant_id", rname=f"{{name}}_{name}").drop(f"merchant_id_{name}")
    return left


def counted(rows: Table) -> BooleanValue:
    """Select the rows that bring a sale into s: when settled under ESCROW, when paid under IMMEDIATE."""
    result: BooleanValue = (rows.escrow & (rows.kind == "SETTLEMENT")) | (~rows.escrow & (rows.kind == "SALE"))
    return result


def _order_key(rows: Table) -> StringValue:
    result: StringValue = rows.order_ref.coalesce(rows.external_id)
    return result


def _orders(rows: Table) -> Table:
    """Return one row an order: its first and last SALE, its sales, the first row that counted, its last CANCEL."""
    rows = rows.filter(rows.kind.isin(["SALE", "SETTLEMENT", "CANCEL"]))
    sale = rows.kind == "SALE"
    return rows.group_by(rows.merchant_id, order_key=_order_key(rows)).agg(
        first_sale_d=rows.d.max(where=sale),
        last_sale_d=rows.d.min(where=sale),
        last_named_d=rows.d.min(where=sale & rows.buyer.notnull()),
        sale_minor=total(rows.amount_minor, sale),
        counted_d=rows.d.max(where=counted(rows)),
        last_cancel_d=rows.d.min(where=rows.kind == "CANCEL"),
    )


def _reversals(rows: Table, orders: Table) -> Table:
    """Return each REFUND and CHARGEBACK, its age (its order's; null if that never sold), and whether it counts in s."""
    rows = rows.filter(rows.kind.isin(["REFUND", "CHARGEBACK"]))
    both = rows.left_join(
        orders, [rows.merchant_id == orders.merchant_id, rows.order_ref == orders.order_key], rname="{name}_order"
    )
    return both.select(
        "merchant_id",
        "kind",
        "d",
        "amount_minor",
        age=both.order_ref.isnull().ifelse(both.d, both.first_sale_d),
        counts=both.order_ref.isnull() | (both.counted_d >= both.d).coalesce(False),
    )


def _flows(rows: Table, reversals: Table) -> Table:
    """Return one row a merchant and day: net sales s, balance movement, PAYOUT, SALE rows.

    `balance_rows` counts the rows that move the balance, to tell the days before the first of them.
    """
    is_counted = counted(rows)
    sale = rows.kind == "SALE"
    income = rows.filter(is_counted | sale | rows.kind.isin(["DEPOSIT", "FEE", "PAYOUT"]))
    incoming, outgoing = is_counted | (rows.kind == "DEPOSIT"), rows.kind.isin(["FEE", "PAYOUT"])
    income = income.select(
        "merchant_id",
        "d",
        s_minor=is_counted.ifelse(rows.amount_minor, 0),
        balance_minor=incoming.ifelse(rows.amount_minor, outgoing.ifelse(-rows.amount_minor, 0)),
        payout_minor=(rows.kind == "PAYOUT").ifelse(rows.amount_minor, 0),
        balance_rows=(incoming | outgoing).ifelse(1, 0).cast("int64"),
        sale_rows=sale.ifelse(1, 0).cast("int64"),
    )
    zero, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    loss = reversals.filter(reversals.counts).select(
        "merchant_id",
        "d",
        s_minor=-reversals.amount_minor,
        balance_minor=-reversals.amount_minor,
        payout_minor=zero,
        balance_rows=one,
        sale_rows=zero,
    )
    moves = ibis.union(income, loss)
    return moves.group_by("merchant_id", "d").agg(
        s_minor=total(moves.s_minor),
        balance_minor=total(moves.balance_minor),
        payout_minor=total(moves.payout_minor),
        balance_rows=total(moves.balance_rows),
        sale_rows=total(moves.sale_rows),
    )


def balances(rows: Table) -> Table:
    """Sum each merchant's flows: merchant_id and balance_minor, what the platform holds for it before as_of.

    A refund or chargeback counts once its order has counted: under ESCROW, a refund before settlement comes out of
    the escrow, not out of the merchant's balance.
    """
    flows = _flows(rows, _reversals(rows, _orders(rows)))
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
