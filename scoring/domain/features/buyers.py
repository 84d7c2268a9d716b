"""Who bought what, again, and where else: what buyers tell about the sales they stand in."""

import ibis
from ibis import Table

from scoring.domain.features.arrivals import THRESHOLDS
from scoring.domain.features.relations import tally, within

NEW_DAYS = 180
"""Days: a buyer is new who came to a shop for the first time within these, and was new within as many before them."""


def purchases(sales: Table) -> Table:
    """Return one row a merchant and named buyer, over all of its history.

    first_d: of the first purchase; orders_180, orders_before: of days 0 to 179 and 180 to 359; shops, everywhere: how
    many shops of the market it bought from in 180 days, and its orders there.
    """
    named = sales.filter(sales.buyer.notnull())
    orders = named.group_by("merchant_id", "market", "buyer", "order_key").agg(d=named.d.max())
    pairs = orders.group_by("merchant_id", "market", "buyer").agg(
        first_d=orders.d.max(),
        orders_180=tally(within(orders.d, 0, NEW_DAYS - 1)),
        orders_before=tally(within(orders.d, NEW_DAYS, 2 * NEW_DAYS - 1)),
    )
    recent = pairs.filter(pairs.orders_180 > 0)
    everywhere = recent.group_by("market", "buyer").agg(
        shops=recent.count(), everywhere=recent.orders_180.sum().cast("!int64")
    )
    joined = pairs.left_join(everywhere, ["market", "buyer"], rname="{name}_all")
    return joined.select(*pairs.columns, shops=joined.shops.coalesce(0), everywhere=joined.everywhere.coalesce(0))


def captives(bought: Table) -> Table:
    """Return the buyers who are new, came again, and bought nowhere else: merchant_id, buyer and their orders."""
    new = bought.filter(bought.first_d < NEW_DAYS, bought.shops == 1, bought.orders_180 > 1)
    return new.select("merchant_id", "buyer", captive_orders=new.orders_180)


def captives_before(bought: Table) -> Table:
    """Return who was new in the half year before and came again, wherever else they bought: as many or more."""
    new = bought.filter(within(bought.first_d, NEW_DAYS, 2 * NEW_DAYS - 1), bought.orders_before > 1)
    return new.select("merchant_id", "buyer", captive_orders=new.orders_before)


def meetings(bought: Table) -> Table:
    """Return who meets whom in the same few shops: merchant_id, other, and each buyer they share.

    A buyer counts who bought at least twice a shop on average, in two to `ring_shops` of them, and two shops meet if
    they share at least `ring_shared` such buyers.
    """
    few = bought.filter(
        within(bought.shops, 2, THRESHOLDS.ring_shops),
        bought.everywhere >= 2 * bought.shops,
        bought.everywhere >= THRESHOLDS.ring_orders,
        bought.orders_180 > 0,
    ).select("merchant_id", "market", "buyer")
    other = few.view()
    both = few.join(
        other,
        [few.market == other.market, few.buyer == other.buyer, few.merchant_id != other.merchant_id],
        rname="{name}_other",
    )
    both = both.select("merchant_id", "buyer", other=both.merchant_id_other)
    ties = both.group_by("merchant_id", "other").agg(shared=both.count())
    return both.semi_join(ties.filter(ties.shared >= THRESHOLDS.ring_shared), ["merchant_id", "other"])


def paid_back(rows: Table, sales: Table) -> Table:
    """Return the buyers to whom the money goes back: merchant_id and buyer.

    By a refund at least `refund_days` after the order was first sold, when no honest return comes; or by a payout or
    deposit of the merchant that names them.
    """
    named = sales.filter(sales.buyer.notnull())
    orders = named.group_by("merchant_id", "order_key", "buyer").agg(d=named.d.max())
    refunds = rows.filter(rows.kind == "REFUND", rows.order_ref.notnull())
    refunds = refunds.select("merchant_id", order_key=refunds.order_ref, refund_d=refunds.d)
    late = orders.join(refunds, ["merchant_id", "order_key"])
    late = late.filter(within(late.refund_d, 0, 364), late.d - late.refund_d >= THRESHOLDS.refund_days)
    paid = rows.filter(rows.kind.isin(["PAYOUT", "DEPOSIT"]), rows.buyer.notnull(), within(rows.d, 0, 364))
    both = ibis.union(late.select("merchant_id", "buyer"), paid.select("merchant_id", "buyer"), distinct=True)
    return both.select("merchant_id", "buyer", paid_back=ibis.literal(1, "int64"))


def echoes(rows: Table, sales: Table, bought: Table) -> tuple[Table, Table]:
    """Return the new buyers all of whose purchases follow payouts, and how many sales of each merchant do.

    A purchase follows a payout on its day or on one of the `echo_days` after it. The second table has merchant_id and
    covered, SALE rows of 180 days.
    """
    payouts = rows.filter(rows.kind == "PAYOUT", within(rows.d, 0, 179 + THRESHOLDS.echo_days))
    payouts = payouts.group_by("merchant_id", "d").agg(rows=payouts.count()).select("merchant_id", "d")
    after = ibis.union(
        *(payouts.select("merchant_id", d=payouts.d - days) for days in range(THRESHOLDS.echo_days + 1)), distinct=True
    )
    recent = sales.filter(within(sales.d, 0, 179))
    covered = recent.semi_join(after, ["merchant_id", "d"])
    count = covered.group_by("merchant_id").agg(covered=covered.count())
    named = covered.filter(covered.buyer.notnull())
    orders = named.group_by("merchant_id", "buyer", "order_key").agg(d=named.d.max())
    follows = orders.group_by("merchant_id", "buyer").agg(follows=orders.count())
    new = bought.filter(bought.first_d < NEW_DAYS, bought.orders_180 >= THRESHOLDS.echo_orders)
    both = new.join(follows, ["merchant_id", "buyer"])
    both = both.filter(both.follows == both.orders_180)
    return both.select("merchant_id", "buyer", echo=ibis.literal(1, "int64")), count
