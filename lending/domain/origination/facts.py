"""What is known of a merchant when lending to it is judged; an application freezes it as its snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from config.kernel.calendar import add_months
from config.kernel.documents import ADDED
from lending.domain.origination.granted_limit import GrantedLimit
from scoring.domain.calibration import Grade
from scoring.domain.policy import Gate, NotScored


class Hold(StrEnum):
    """What warnings hold back. NO_OFFER: offers, and what is applied for; FREEZE: what is drawn on lines, too."""

    NONE = "NONE"
    NO_OFFER = "NO_OFFER"
    FREEZE = "FREEZE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the partner says the merchant is (`merchants.Merchant`); partner is its code, "" is not known."""

    currency: str
    partner: str
    region: str
    category: str
    membership: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFacts:
    """What scoring says of the merchant as of a midnight.

    Of the score's row: not_scored and needed (what would change that), score, pd_ppm, grade (None: the run had no
    calibration), gates it fails, sales_basis_minor (M: a month's sales to lean on). cut_off: the calibration's
    lowest score of a lendable grade. Of its characteristics: tenure_months (`tenure_m`), recency_days
    (`recency_d`), disputes_bps (`dispute_180m`), flagged_share_bps (`flagged_share`), None where null or absent.
    Of its measures: sales_365_minor (`s_365`), worst_month_minor (the least of `s_month_0` to `s_month_11`; may be
    below 0): exact sums, which the quantised `resilience` and `med_month_12` only approximate.
    """

    as_of: date
    scorecard_sha256: str
    calibration_sha256: str | None
    not_scored: NotScored | None
    needed: int
    score: int
    pd_ppm: int | None
    grade: Grade | None
    cut_off: int | None
    gates: tuple[Gate, ...]
    sales_basis_minor: int
    sales_365_minor: int
    worst_month_minor: int
    tenure_months: int | None
    recency_days: int | None
    disputes_bps: int | None
    flagged_share_bps: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the merchant and those it shares room with owe us, in minor units.

    outstanding_minor: principal of its active loans. dues_minor: what of their instalments is unpaid, by month
    (`dues_by_month`); () without loans. largest_repaid_minor: principal of the largest loan it repaid on time
    (`loan.repaid_on_time`), 0 without one. days_past_due: the most of its loans. line: what it is
    granted under the product's kind, as the last night left it. owner_used_minor: what other merchants of its owner
    owe, are offered or may draw in its currency, owner_days_past_due: the most of their loans, in any; both 0 if it
    has no others. portfolio_used_minor, category_used_minor: what all others owe under the product, and those of its
    category.
    """

    outstanding_minor: int
    dues_minor: tuple[int, ...]
    largest_repaid_minor: int
    days_past_due: int
    line: GrantedLimit | None
    owner_used_minor: int
    owner_days_past_due: int
    portfolio_used_minor: int
    category_used_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """A line under its lock: its limit, what its loans take of it, what a person approved it for; minor units."""

    limit_minor: int
    used_minor: int
    approved_minor: int = 0

    @property
    def free_minor(self) -> int:
        """What may still be drawn."""
        return max(0, self.limit_minor - self.used_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantFacts:
    """All that is known of one merchant on a business date."""

    on: date
    profile: Profile
    score: ScoreFacts
    exposure: Exposure
    hold: Hold = field(default=Hold.NONE, metadata=ADDED)


def strongest_hold(effects: Iterable[str]) -> Hold:
    """Return what the effects of all warnings that stand, of a merchant and its owner's others, hold back together."""
    found = set(effects)
    return next((hold for hold in (Hold.FREEZE, Hold.NO_OFFER) if hold in found), Hold.NONE)


def dues_by_month(unpaid: Iterable[tuple[date, int]], *, on: date) -> tuple[int, ...]:
    """Sum unpaid instalments (due date, minor units) by the month in which they fall due, counted from a date.

    The first is what is due up to the same day of next month, overdue included: so the first instalment of a loan
    disbursed on that date is in it.
    """
    months: list[int] = []
    for due, minor in sorted(unpaid):
        while not months or due > add_months(on, len(months)):
            months.append(0)
        months[-1] += minor
    return tuple(months)
