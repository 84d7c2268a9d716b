"""Net sales by day, for display: the same rows that count in s, so they add up to it."""

import ibis
from ibis import Table

from scoring.domain.features.relations import Reversed, counted, relations, total


def daily(rows: Table, reversed_by: Reversed) -> Table:
    """Return one row for each day on which something counted in s: sales, their number, and refunds with chargebacks.

    Minor units; counted_minor less returned_minor of days 0 to 89 is s(90).
    """
    came, back = rows.filter(counted(rows)), relations(rows, reversed_by).reversals
    back = back.filter(back.counts_d.notnull())
    zero, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    sold = came.select("d", counted_minor=came.amount_minor, counted_rows=one, returned_minor=zero)
    returned = back.select(d=back.counts_d, counted_minor=zero, counted_rows=zero, returned_minor=-back.s_minor)
    both = ibis.union(sold, returned)
    return both.group_by("d").agg(
        counted_minor=total(both.counted_minor),
        counted_rows=total(both.counted_rows),
        returned_minor=total(both.returned_minor),
    )
