"""Declare every feature once: what it means, which way is better, what null means, how it reads to people.

The card validates its directions here; documents and pages show these sentences, and reasons use their words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Direction(StrEnum):
    """Which values are better: high ones, low ones, or those in the middle."""

    UP = "UP"
    DOWN = "DOWN"
    HUMP = "HUMP"


class Unit(StrEnum):
    """The unit of a feature's integers."""

    BASIS_POINT = "BASIS_POINT"
    MINOR = "MINOR"
    COUNT = "COUNT"
    DAY = "DAY"
    MONTH = "MONTH"
    PERCENTILE = "PERCENTILE"
    HUNDREDTH = "HUNDREDTH"
    LEVEL = "LEVEL"


class Feed(StrEnum):
    """What a partner's feed may lack: a kind of row, or the buyers of its sales."""

    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    CANCEL = "CANCEL"
    REVIEW = "REVIEW"
    DISPATCH = "DISPATCH"
    PAYOUT = "PAYOUT"
    BUYER = "BUYER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One characteristic.

    window: days of history it covers, 0 for all of it. feeds: it is absent, neither good nor bad, if the
    partner's feed carries none of these. reason: the sentence for a merchant who loses points by it.
    """

    name: str
    window: int
    unit: Unit
    direction: Direction
    feeds: frozenset[Feed]
    null: str
    meaning: str
    reason: str


def _feature(
    name: str,
    window: int,
    unit: Unit,
    direction: Direction,
    *feeds: Feed,
    null: str = "never",
    meaning: str,
    reason: str,
) -> Feature:
    return Feature(
        name=name,
        window=window,
        unit=unit,
        direction=direction,
        feeds=frozenset(feeds),
        null=null,
        meaning=meaning,
        reason=reason,
    )


_UP, _DOWN, _HUMP = Direction.UP, Direction.DOWN, Direction.HUMP
_YOUNG_MONTHS: Final = "fewer than six whole months since the first sale"
_YOUNG_WEEKS: Final = "fewer than six whole weeks since the first sale"

_DECLARED: Final = (
    _feature(
        "tenure_m",
        0,
        Unit.MONTH,
        _UP,
        null="no sale yet",
        meaning="Whole 30-day months since the first sale.",
        reason="You have been selling here for a short time.",
    ),
    _feature(
        "sales_90",
        90,
        Unit.MINOR,
        _UP,
        meaning="Net sales of 90 days: sales less refunds and chargebacks.",
        reason="Your sales of the last 90 days are low.",
    ),
    _feature(
        "sales_90_percentile",
        90,
        Unit.PERCENTILE,
        _UP,
        null="no seller to compare with",
        meaning="Place of the net sales of 90 days among the sellers of the category and region.",
        reason="Your sales are low beside shops of your category and region.",
    ),
    _feature(
        "med_month_12",
        360,
        Unit.MINOR,
        _UP,
        null=_YOUNG_MONTHS,
        meaning="Median month's net sales of up to twelve months.",
        reason="Your usual month's sales are low.",
    ),
    _feature(
        "orders_90",
        90,
        Unit.COUNT,
        _UP,
        meaning="Orders sold in 90 days.",
        reason="You had few orders in the last 90 days.",
    ),
    _feature(
        "resilience",
        360,
        Unit.BASIS_POINT,
        _UP,
        null=f"{_YOUNG_MONTHS}, or a median of 0 or below",
        meaning="Weakest month's net sales as a share of the median month's.",
        reason="Your weakest month is far below your usual one.",
    ),
    _feature(
        "active_days_90",
        90,
        Unit.DAY,
        _UP,
        meaning="Days with a sale in 90 days.",
        reason="You sold on few days of the last 90.",
    ),
    _feature(
        "growth_90",
        180,
        Unit.BASIS_POINT,
        _HUMP,
        null="first sale under 180 days ago, or no net sales in the 90 days before",
        meaning="Net sales of 90 days against the 90 days before.",
        reason="Your sales changed sharply against the quarter before.",
    ),
    _feature(
        "trend_12",
        360,
        Unit.BASIS_POINT,
        _UP,
        null=f"{_YOUNG_MONTHS}, or a median of 0 or below",
        meaning="Monthly trend of net sales over up to twelve months.",
        reason="Your sales have been falling month by month.",
    ),
    _feature(
        "cv_week_180",
        182,
        Unit.BASIS_POINT,
        _DOWN,
        null=f"{_YOUNG_WEEKS}, or no net sales in them",
        meaning="Spread of weekly net sales around their mean, up to 26 weeks.",
        reason="Your weekly sales vary a lot.",
    ),
    _feature(
        "zero_weeks_180",
        182,
        Unit.COUNT,
        _DOWN,
        null=_YOUNG_WEEKS,
        meaning="Weeks without a sale, of up to 26.",
        reason="There were weeks without a sale.",
    ),
    _feature(
        "refund_value_90m",
        104,
        Unit.BASIS_POINT,
        _DOWN,
        Feed.REFUND,
        null="no sales aged 14 to 103 days",
        meaning="Refunds as a share of the sales of orders aged 14 to 103 days.",
        reason="A high share of your sales was refunded.",
    ),
    _feature(
        "refund_delta",
        194,
        Unit.BASIS_POINT,
        _DOWN,
        Feed.REFUND,
        null="no sales aged 14 to 103 days, or none aged 104 to 193",
        meaning="Change of the refund share against the 90 days before.",
        reason="Refunds have been rising.",
    ),
    _feature(
        "dispute_180m",
        225,
        Unit.BASIS_POINT,
        _DOWN,
        Feed.CHARGEBACK,
        null="no orders aged 45 to 224 days",
        meaning="Chargebacks as a share of the orders aged 45 to 224 days.",
        reason="Buyers disputed a high share of your orders.",
    ),
    _feature(
        "cancel_late",
        90,
        Unit.BASIS_POINT,
        _DOWN,
        Feed.CANCEL,
        Feed.DISPATCH,
        null="neither orders nor dispatches in 90 days",
        meaning="Share of orders cancelled by the seller plus share of late dispatches, 90 days.",
        reason="Orders were cancelled or sent late.",
    ),
    _feature(
        "rating_180",
        180,
        Unit.HUNDREDTH,
        _UP,
        Feed.REVIEW,
        null="no review to compare with",
        meaning="Mean rating of 180 days less the category's, drawn towards it as by 20 reviews.",
        reason="Your ratings are below those of your category.",
    ),
    _feature(
        "top5_180",
        180,
        Unit.BASIS_POINT,
        _DOWN,
        Feed.BUYER,
        null="fewer than 30 orders that name a buyer",
        meaning="Share of the five largest buyers in the sales of 180 days.",
        reason="A few buyers make up most of your sales.",
    ),
    _feature(
        "repeat_180",
        180,
        Unit.BASIS_POINT,
        _HUMP,
        Feed.BUYER,
        null="no order that names a buyer",
        meaning="Share of orders of 180 days by buyers who ordered at least twice.",
        reason="The mix of new and returning buyers is unusual.",
    ),
    _feature(
        "buyers_90",
        90,
        Unit.COUNT,
        _UP,
        Feed.BUYER,
        meaning="Different buyers in 90 days.",
        reason="You had few different buyers in the last 90 days.",
    ),
    _feature(
        "recency_d",
        0,
        Unit.DAY,
        _DOWN,
        null="no sale yet",
        meaning="Whole days since the last sale.",
        reason="Your last sale is some time ago.",
    ),
    _feature(
        "min_cover_90",
        0,
        Unit.DAY,
        _UP,
        Feed.PAYOUT,
        null="no payout in 90 days",
        meaning="Lowest end-of-day balance of 90 days, in days of the mean payout.",
        reason="Your balance ran low against what you pay out.",
    ),
    _feature(
        "season",
        365,
        Unit.BASIS_POINT,
        _UP,
        meaning="Last year's net sales of the coming three months against that year's mean.",
        reason="The coming months were weak last year.",
    ),
    _feature(
        "repayment",
        365,
        Unit.LEVEL,
        _UP,
        null="never: no loan is a level of its own",
        meaning="How earlier loans were repaid, from late (0) to twice and on time (9); 6 without any.",
        reason="Earlier loans were repaid late.",
    ),
    _feature(
        "flagged_share",
        180,
        Unit.BASIS_POINT,
        _DOWN,
        meaning="Share of sales that look as if no real buyers made them: of 90 days, or of 180 if that is more.",
        reason="Some sales need a closer look.",
    ),
)

FEATURES: Final[Mapping[str, Feature]] = {feature.name: feature for feature in _DECLARED}
NO_REPAYMENT_HISTORY: Final = 6
"""Level of the characteristic `repayment` without a loan."""
