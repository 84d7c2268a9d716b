"""Take flagged sales out of what was measured, and let a shop begin on the day from which its past was known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.kernel.exact import Int64s, Integers
from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES, Peers, characteristics, whole_blocks
from scoring.domain.features.columns import Column, column, exact
from scoring.domain.features.measures import DAYS_IN_WEEK, MONTH_NAMES, WEEK_NAMES, WEEKS

MEASURES_OF_S: Final = ("s_275_364", "s_365", *MONTH_NAMES, *WEEK_NAMES)
"""Sums of s over days: s of all rows is that of the rows of flagged orders and that of the others."""
FLAGGED_NAMES: Final = (*CHARACTERISTIC_NAMES, "flagged_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What integrity says of merchants, of those alone of whom it says anything.

    shares: the characteristic flagged_share, in basis points; first_known_d: the age of the first SALE as it was known,
    of merchants whose past was told late; orders: merchant and key of each flagged order.
    """

    shares: Mapping[int, int]
    first_known_d: Mapping[int, int]
    orders: Sequence[tuple[int, str]]


NO_FLAGS: Final = Flags(shares={}, first_known_d={}, orders=())


def less_flagged(
    measured: Mapping[str, Column], flagged: Mapping[str, Column], flags: Flags, merchants: Int64s
) -> dict[str, Column]:
    """Return the measures as if flagged sales were not in s, and `flagged_share` beside them.

    flagged: the same measures of the rows of flagged orders alone. Only s goes down: how often somebody ordered, and
    how old orders are, stays, so that nothing is held against a merchant twice. Of a past that was told late, nothing
    counts as age: the first SALE is as old as the day on which it was known.
    """
    known = np.array([flags.first_known_d.get(one, -1) for one in merchants.tolist()], np.int64)
    first = measured["first_sale_d"]
    is_younger = ~first.null & (known >= 0) & (known < first.values)
    first = column(np.where(is_younger, known, first.values), first.null)
    # No more weeks with a sale than there are weeks, with that of the first sale itself.
    own = (first.values < WEEKS * DAYS_IN_WEEK).astype(np.int64)
    weeks = np.minimum(measured["sale_weeks_26"].values, whole_blocks(first, DAYS_IN_WEEK, WEEKS) + own)
    return {
        **measured,
        **{name: column(exact(measured[name].values) - added(flagged, name)) for name in MEASURES_OF_S},
        "first_sale_d": first,
        "sale_weeks_26": column(np.where(is_younger, weeks, measured["sale_weeks_26"].values)),
        "flagged_share": column(np.array([flags.shares.get(one, 0) for one in merchants.tolist()], np.int64)),
    }


def added(flagged: Mapping[str, Column], name: str) -> Integers:
    """Return what flagged orders added to a sum of s, 0 where they took from it.

    A refund stays where its sale was flagged in a month before: else who let bad sales be flagged would gain by it.
    """
    return np.maximum(exact(flagged[name].values), 0)


def flagged_characteristics(measured: Mapping[str, Column], peers: Peers) -> dict[str, Column]:
    """Derive FLAGGED_NAMES; measures that nobody compared with flags have no flagged sales."""
    nothing = column(np.zeros(len(measured["orders_90"]), np.int64))
    return {**characteristics(measured, peers), "flagged_share": measured.get("flagged_share", nothing)}
