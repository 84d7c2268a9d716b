"""Look for sales that may be made up, in integers, by SQL that every engine computes alike.

A *mark* is a property of a sale. It *fires* for a merchant if its marked sales are more than honest trade or chance
explains, by THRESHOLDS: beside the merchant's own past, or beside its market, as a share that is high everywhere proves
nothing. The sales of marks that fire are flagged, and with a sale all of its order.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import reduce
from operator import add, or_
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, IntegerValue

from scoring.domain.features.arrivals import THRESHOLDS, Arrivals, arrivals, reaches
from scoring.domain.features.buyers import (
    NEW_DAYS,
    captives,
    captives_before,
    echoes,
    meetings,
    paid_back,
    purchases,
)
from scoring.domain.features.relations import INT64, joined, tally, total, within


class Mark(StrEnum):
    """Why a sale may be made up.

    LATE: told long after it happened, when hardly anybody else's past was. CAPTIVE: by a buyer who is new, comes again
    and buys nowhere else. RING: by a buyer whom the shop shares with the same few others. PAID_BACK: by a buyer to whom
    the money goes back. ECHO: by a new buyer whose purchases all follow payouts. BURST: on a day with far more orders
    than ever before. ROUND: of a round amount, where amounts were not round before.
    """

    LATE = "LATE"
    CAPTIVE = "CAPTIVE"
    RING = "RING"
    PAID_BACK = "PAID_BACK"
    ECHO = "ECHO"
    BURST = "BURST"
    ROUND = "ROUND"


MARKS: Final = tuple(Mark)
FIGURE_NAMES: Final = (
    "sold_90",
    "sold_180",
    "flagged_90",
    "flagged_180",
    "cycle_180",
    "captive_180",
    "ring_90",
    "burst_90",
    "round_rows_90",
    "rows_90",
    "sold_30",
    "sold_30_119",
    "late_rows_180",
    "rows_180",
    "fired",
    "first_known_d",
)
"""SALE amounts in minor units; rows; the marks that fired (bit i: MARKS[i]); days since the first SALE was known.

Null is first_known_d alone, where there is no SALE.
"""
FLAGGED_NAMES: Final = ("external_id", "order_key", "d", "amount_minor", "buyer", "marks")
"""Of a SALE of a flagged order: bit i of `marks` is MARKS[i]."""
YEAR: Final = 365
QUARTER: Final = 90
MOST_ROWS: Final = 2**22
"""A square of it, times ten thousand, fits 64 bits."""
DAYS_BEFORE: Final = YEAR - QUARTER


def integrity(rows: Table) -> Table:
    """Look at whole markets, rows by MARKET_SCHEMA: a row a merchant, or one for each SALE of its flagged orders.

    Of FIGURE_NAMES and FLAGGED_NAMES; the latter are null for a merchant of whom nothing is flagged. One relation, so
    that an engine looks once. Nothing is computed until it runs it.
    """
    figures, flagged, _ = _looked_at(rows)
    told = figures.left_join(flagged, "merchant_id", rname="{name}_flagged")
    return told.select("merchant_id", *FIGURE_NAMES, *FLAGGED_NAMES)


def rings(rows: Table) -> Table:
    """Return, of the merchants for whom RING fired, each shop they meet and each buyer they share with it."""
    return _looked_at(rows)[2]


def _looked_at(rows: Table) -> tuple[Table, Table, Table]:
    late = arrivals(rows)
    bought = purchases(late.sales)
    ties = meetings(bought)
    echoing, covered = echoes(rows, late.sales, bought)
    ring = ties.group_by("merchant_id", "buyer").agg(ring=ties.count())
    paid = paid_back(rows, late.sales)
    of_buyer = {"bought": bought, "captive": captives(bought), "ring": ring, "paid": paid, "echo": echoing}
    marked = _marked(late.sales, of_buyer)
    sums = _sums(marked, late, bought, covered)
    fires = _fires(sums)
    fired = sums.select("merchant_id", **{_fires_of(mark): fires[mark] for mark in MARKS})
    told = marked.join(fired, "merchant_id")
    orders = told.group_by("merchant_id", "order_key").agg(
        marks=_bits({mark: (told[mark] & told[_fires_of(mark)]).any() for mark in MARKS})
    )
    flagged = marked.join(orders.filter(orders.marks > 0), ["merchant_id", "order_key"])
    flagged = flagged.select("merchant_id", *FLAGGED_NAMES)
    recent = flagged.group_by("merchant_id").agg(
        flagged_90=total(flagged.amount_minor, within(flagged.d, 0, QUARTER - 1)),
        flagged_180=total(flagged.amount_minor, within(flagged.d, 0, NEW_DAYS - 1)),
    )
    whole = joined(sums.mutate(fired=_bits(fires)), {"recent": recent})
    figures = whole.select(
        "merchant_id",
        **{name: whole[name] if name == "first_known_d" else whole[name].coalesce(0) for name in FIGURE_NAMES},
    )
    ringed = fired.filter(fired[_fires_of(Mark.RING)])
    return figures, flagged, ties.semi_join(ringed, "merchant_id").select("merchant_id", "other", "buyer")


def _marked(sales: Table, of_buyer: Mapping[str, Table]) -> Table:
    """Return each SALE with a column for each mark, and the orders of its buyer if that is captive."""
    for name, table in of_buyer.items():
        sales = sales.left_join(table, ["merchant_id", "buyer"], rname=f"{{name}}_{name}")
    sales = sales.left_join(_bursts(sales), ["merchant_id", "d"], rname="{name}_burst")
    is_new = sales.buyer.isnull() | (sales.first_d <= sales.d + 1)
    half, year = within(sales.d, 0, NEW_DAYS - 1), within(sales.d, 0, YEAR - 1)
    marks: dict[str, BooleanValue] = {
        Mark.LATE: sales.is_late,
        Mark.CAPTIVE: sales.captive_orders.notnull() & half,
        Mark.RING: sales.ring.notnull() & half,
        Mark.PAID_BACK: sales.paid_back.notnull() & year,
        Mark.ECHO: sales.echo.notnull() & half,
        Mark.BURST: sales.burst.notnull() & is_new,
        Mark.ROUND: (sales.amount_minor % _unit(sales.amount_minor) == 0) & year,
    }
    return sales.select(
        "merchant_id", "external_id", "order_key", "d", "amount_minor", "buyer", "captive_orders", **marks
    )


def _unit(amount: IntegerValue) -> IntegerValue:
    """Return of which unit an amount is a multiple if only its first two digits are not 0."""
    steps = [(amount < 10**digits, 10 ** (digits - 2)) for digits in range(2, 17)]
    return ibis.cases(*steps, else_=10**15).cast(INT64)


def _bursts(sales: Table) -> Table:
    """Return the days of the last quarter with far more orders than usual, and than any day before."""
    orders = sales.group_by("merchant_id", "d", "order_key").agg(rows=sales.count())
    days = orders.group_by("merchant_id", "d").agg(orders=orders.count())
    before = days.group_by("merchant_id").agg(
        usual=total(days.orders, within(days.d, QUARTER, YEAR - 1)),
        most=days.orders.max(where=within(days.d, QUARTER, YEAR - 1)),
        first_d=days.d.max(),
    )
    days = days.join(before.filter(before.first_d >= THRESHOLDS.burst_days), "merchant_id")
    days = days.filter(
        within(days.d, 0, QUARTER - 1),
        days.orders >= THRESHOLDS.burst_orders,
        days.orders * DAYS_BEFORE >= days.usual * THRESHOLDS.burst_times,
        days.orders >= days.most.coalesce(0) * THRESHOLDS.burst_most,
    )
    return days.select("merchant_id", "d", burst=ibis.literal(1, "int64"))


def _sums(marked: Table, late: Arrivals, bought: Table, covered: Table) -> Table:
    """Sum what each mark comes to, and what it is compared with: a row a merchant."""
    amount, d = marked.amount_minor, marked.d
    half, quarter, before = within(d, 0, NEW_DAYS - 1), within(d, 0, QUARTER - 1), within(d, QUARTER, YEAR - 1)
    of_sales = marked.group_by("merchant_id").agg(
        sold_90=total(amount, quarter),
        sold_180=total(amount, half),
        sold_30=total(amount, within(d, 0, 29)),
        sold_30_119=total(amount, within(d, 30, 119)),
        captive_180=total(amount, marked[Mark.CAPTIVE]),
        **{
            f"captive_minor_{orders}": total(amount, marked[Mark.CAPTIVE] & (marked.captive_orders >= orders))
            for orders in _captive_orders()
        },
        ring_90=total(amount, quarter & marked[Mark.RING]),
        cycle_180=total(amount, half & (marked[Mark.PAID_BACK] | marked[Mark.ECHO])),
        paid_back_180=total(amount, half & marked[Mark.PAID_BACK]),
        echo_180=total(amount, marked[Mark.ECHO]),
        echo_buyers=marked.buyer.nunique(where=marked[Mark.ECHO]),
        burst_90=total(amount, marked[Mark.BURST]),
        rows_90=tally(quarter),
        round_rows_90=tally(quarter & marked[Mark.ROUND]),
        rows_before=tally(before),
        round_rows_before=tally(before & marked[Mark.ROUND]),
        sale_rows_180=tally(half),
    )
    orders = marked.group_by("merchant_id", "order_key").agg(d=marked.d.max())
    of_orders = orders.group_by("merchant_id").agg(
        orders_180=tally(within(orders.d, 0, NEW_DAYS - 1)),
        orders_before=tally(within(orders.d, NEW_DAYS, 2 * NEW_DAYS - 1)),
    )
    now, then = captives(bought), captives_before(bought)
    parts = {"sales": of_sales, "orders": of_orders, "covered": covered}
    for name, table in (("now", now), ("then", then)):
        parts[name] = table.group_by("merchant_id").agg(
            **{f"buyers_{name}_{least}": tally(table.captive_orders >= least) for least in _captive_orders()},
            **{
                f"orders_{name}_{least}": total(table.captive_orders, table.captive_orders >= least)
                for least in _captive_orders()
            },
        )
    sums = joined(late.members, parts)
    nullable = {"merchant_id", "is_late", "first_d", "first_known_d"}
    return sums.mutate(**{name: sums[name].coalesce(0) for name in sums.columns if name not in nullable})


def _fires(sums: Table) -> dict[Mark, BooleanValue]:
    """Decide which marks are more than honest trade or chance explains."""
    of, spike = THRESHOLDS, reaches(sums.sold_30 * 3, sums.sold_30_119, THRESHOLDS.round_spike_bp)
    now, then = ibis.least(sums.rows_90, MOST_ROWS), ibis.least(sums.rows_before, MOST_ROWS)
    grew = ibis.least(sums.round_rows_90, now) * then - ibis.least(sums.round_rows_before, then) * now
    return {
        Mark.LATE: sums.is_late,
        Mark.CAPTIVE: reduce(or_, (_captive(sums, *case) for case in of.captive)),
        Mark.RING: reaches(sums.ring_90, sums.sold_90, of.ring_bp),
        Mark.PAID_BACK: reaches(sums.paid_back_180, sums.sold_180, of.paid_back_bp),
        Mark.ECHO: reaches(sums.echo_180, sums.sold_180, of.echo_bp)
        & (sums.echo_buyers >= of.echo_buyers)
        & (sums.covered * 10_000 <= sums.sale_rows_180 * of.echo_covered_bp),
        Mark.BURST: reaches(sums.burst_90, sums.sold_90, of.burst_bp),
        Mark.ROUND: (grew * 10_000 >= now * then * of.round_bp)
        & (sums.rows_90 >= of.round_rows)
        & (sums.rows_before >= of.round_rows_before)
        & spike,
    }


def _captive(sums: Table, orders: int, buyers: int, bp: int, days: int) -> BooleanValue:
    """Check one case of `captive`, and that there are `captive_times` as many such orders as half a year before."""
    now, then = sums[f"orders_now_{orders}"], sums[f"orders_then_{orders}"]
    result: BooleanValue = (
        (sums.first_d >= days).coalesce(False)
        & (sums[f"buyers_now_{orders}"] >= buyers)
        & reaches(sums[f"captive_minor_{orders}"], sums.sold_180, bp)
        & (sums.orders_before > 0)
        & (now * sums.orders_before >= THRESHOLDS.captive_times * then * sums.orders_180)
    )
    return result


def _fires_of(mark: Mark) -> str:
    return f"fires_{mark}"


def _bits(holds: Mapping[Mark, BooleanValue]) -> IntegerValue:
    result: IntegerValue = reduce(add, (holds[mark].ifelse(1 << bit, 0) for bit, mark in enumerate(MARKS)))
    return result.cast(INT64)


def _captive_orders() -> list[int]:
    return sorted({orders for orders, *_ in THRESHOLDS.captive})
