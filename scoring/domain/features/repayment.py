"""Measure how a merchant repaid, as the one composite level that the card's `repayment` row reads."""

from collections.abc import Mapping
from typing import Final

import ibis
import numpy as np
from ibis import Table

from config.kernel.exact import Int64s
from scoring.domain.features.columns import Column, exact
from scoring.domain.features.relations import INT64, total

BEHAVIOUR_SCHEMA = ibis.schema(
    {
        "merchant_id": "int64",
        "d": "int64",
        "dpd": "int64",
        "scheduled_minor": "int64",
        "repaid_minor": "int64",
        "loans_repaid": "int64",
    }
)
WINDOW: Final = 365
BEHAVIOUR_MEASURE_NAMES: Final = ("max_dpd_365", "loans_repaid", "open_scheduled", "open_repaid")
"""All 0 without a fact."""

MODEST_DPD: Final = 6
"""Worst days past due from which earlier loans count as late, whatever was repaid."""
LONG_DPD: Final = 16
SLOW_PACE: Final = (7, 10)
"""Below this share of what was scheduled to date, an open loan is behind."""

ON_PACE: Final = (1, 4, 6, 8, 9)
BEHIND: Final = (0, 2, 3, 5, 7)
"""Levels of: long late, late, none repaid, one, two or more; 0 to 9 rise with the points of the card of day one."""


def behaviour() -> Table:
    """Return the relation that an engine binds: the facts before as_of, known at the watermark.

    `d` is whole days before as_of, as in a history; a fact holds from the end of its day until the next one's.
    """
    return ibis.table(BEHAVIOUR_SCHEMA, name="behaviour")


def behaviour_measures(facts: Table) -> Table:
    """Measure each merchant that has a fact: merchant_id and BEHAVIOUR_MEASURE_NAMES, all int64, in this order.

    max_dpd_365 is the worst of the facts of 365 days and of the one in force when they began.
    """
    before = facts.d >= WINDOW
    ranked = facts.mutate(
        before=before,
        age=ibis.row_number().over(group_by=facts.merchant_id, order_by=facts.d),
        age_before=ibis.row_number().over(group_by=[facts.merchant_id, before], order_by=facts.d),
    )
    last = ranked.age == 0
    return ranked.group_by("merchant_id").agg(
        max_dpd_365=ranked.dpd.max(where=~ranked.before | (ranked.age_before == 0)).cast(INT64),
        loans_repaid=total(ranked.loans_repaid, last),
        open_scheduled=total(ranked.scheduled_minor, last),
        open_repaid=total(ranked.repaid_minor, last),
    )


def repayment_levels(measured: Mapping[str, Column]) -> Int64s:
    """Return each merchant's level from BEHAVIOUR_MEASURE_NAMES; without a loan it is NO_REPAYMENT_HISTORY."""
    worst, repaid = measured["max_dpd_365"].values, measured["loans_repaid"].values
    part, whole = SLOW_PACE
    slow = exact(measured["open_repaid"].values) * whole < exact(measured["open_scheduled"].values) * part
    record = np.where(worst >= LONG_DPD, 0, np.where(worst >= MODEST_DPD, 1, 2 + np.clip(repaid, 0, 2)))
    levels = np.where(slow.astype(np.bool_), np.array(BEHIND)[record], np.array(ON_PACE)[record])
    return levels.astype(np.int64)
