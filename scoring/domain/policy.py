"""Decide who is not scored, and who is scored but declined: policy of day one, not of the card."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from config.kernel.exact import Int64s
from scoring.domain.features.columns import Booleans, Column


class NotScored(StrEnum):
    """Why a merchant is not scored; the first that applies counts."""

    FEW_ORDERS = "FEW_ORDERS"
    NO_RECENT_SALE = "NO_RECENT_SALE"
    TOO_YOUNG = "TOO_YOUNG"


class Gate(StrEnum):
    """The hard gates: a merchant who fails one is scored, then declined."""

    TENURE = "TENURE"
    RECENCY = "RECENCY"
    DISPUTES = "DISPUTES"


NOT_SCORED: Final = tuple(NotScored)
GATES: Final = tuple(Gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds: orders, days, 30-day months, basis points."""

    fewest_orders: int = 10
    recent_days: int = 90
    youngest_days: int = 90
    tenure_months: int = 6
    recency_days: int = 30
    disputes_bp: int = 150


DAY_ONE: Final = Policy()


NEEDS: Final = {
    NotScored.FEW_ORDERS: f"A score needs {DAY_ONE.fewest_orders} orders",
    NotScored.NO_RECENT_SALE: f"A score needs a sale within the last {DAY_ONE.recent_days} days",
    NotScored.TOO_YOUNG: f"A score needs {DAY_ONE.youngest_days} days since your first sale",
}
"""What a merchant is told that a score needs; without a full stop, as more may follow."""
FAILED_GATES: Final = {
    Gate.TENURE: f"You have been selling here for less than {DAY_ONE.tenure_months} months.",
    Gate.RECENCY: f"Your last sale was more than {DAY_ONE.recency_days} days ago.",
    Gate.DISPUTES: "Too many of your orders were disputed.",
}
"""What a merchant is told about a gate that it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """Who is not scored, and what would change it.

    reason: position in NOT_SCORED, -1 if scored. needed: FEW_ORDERS, orders more; NO_RECENT_SALE, sales more (one);
    TOO_YOUNG, days to wait; 0 if scored.
    """

    reason: Int64s
    needed: Int64s

    def at(self, row: int) -> NotScored | None:
        """Return one merchant's reason."""
        reason = int(self.reason[row])
        return None if reason < 0 else NOT_SCORED[reason]


def judge_scorable(measured: Mapping[str, Column], policy: Policy = DAY_ONE) -> Unscored:
    """Decide from the measures who has too little history; of several reasons, the first of NotScored."""
    orders, first, last = measured["orders_ever"].values, measured["first_sale_d"], measured["last_sale_d"]
    holds = [
        orders < policy.fewest_orders,
        last.null | (last.values >= policy.recent_days),
        first.null | (first.values < policy.youngest_days),
    ]
    needs = [policy.fewest_orders - orders, np.ones_like(orders), policy.youngest_days - first.values]
    return Unscored(
        reason=np.select(holds, range(len(NOT_SCORED)), default=-1).astype(np.int64),
        needed=np.select(holds, needs, default=0).astype(np.int64),
    )


def judge_gates(
    characteristics: Mapping[str, Column], absent: Mapping[str, Booleans], policy: Policy = DAY_ONE
) -> dict[Gate, Booleans]:
    """Return which merchants fail each gate; a null, or what the feed does not carry, fails none."""
    tenure, recency = characteristics["tenure_m"], characteristics["recency_d"]
    disputes = characteristics["dispute_180m"]
    return {
        Gate.TENURE: ~tenure.null & (tenure.values < policy.tenure_months),
        Gate.RECENCY: ~recency.null & (recency.values > policy.recency_days),
        Gate.DISPUTES: ~disputes.null & ~absent["dispute_180m"] & (disputes.values >= policy.disputes_bp),
    }
