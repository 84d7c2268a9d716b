"""The policy of provisions: every figure that is a judgement, as a versioned document."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from config.kernel.documents import ADDED, unfit
from config.kernel.exact import BASIS_POINTS, MILLION
from config.kernel.policies import forms_of, read_policy
from lending.domain.contract.fields import require_range

DAY_ONE_POLICY: Final = Path(__file__).parent / "policies" / "day_one.json"
"""The policy that comes with Tradeline; its canonical form is what is stored and hashed."""
LONGEST_DAYS: Final = 3_660
LONGEST_MONTHS: Final = 120
HIGHEST_RATIO: Final = 100

Days = Annotated[int, partial(require_range, lowest=1, highest=LONGEST_DAYS)]
DaysPastDue = Annotated[int, partial(require_range, lowest=0, highest=LONGEST_DAYS)]
Months = Annotated[int, partial(require_range, lowest=0, highest=LONGEST_MONTHS)]
Probability = Annotated[int, partial(require_range, lowest=0, highest=MILLION)]
Share = Annotated[int, partial(require_range, lowest=0, highest=BASIS_POINTS)]
Number = Annotated[int, partial(require_range, lowest=1, highest=MILLION)]
ImpairedStage = Annotated[int, partial(require_range, lowest=2, highest=3)]


class Basis(StrEnum):
    """What a provision is: the expected loss of IFRS 9, the minimum of its category, or the greater of both."""

    IFRS9 = "IFRS9"
    MINIMUM = "MINIMUM"
    GREATER = "GREATER"


class DefaultLevel(StrEnum):
    """What is in default when a loan is: this loan alone, or all that its borrower owes (Basel CRE 36.70)."""

    LOAN = "LOAN"
    BORROWER = "BORROWER"


class Category(StrEnum):
    """The five categories of the Chinese regulator, best first."""

    NORMAL = "NORMAL"
    SPECIAL_MENTION = "SPECIAL_MENTION"
    SUBSTANDARD = "SUBSTANDARD"
    DOUBTFUL = "DOUBTFUL"
    LOSS = "LOSS"


def _require_ratio(name: str, value: Decimal) -> None:
    if not 1 <= value <= HIGHEST_RATIO:
        raise unfit(str(value), name, f"a ratio from 1 to {HIGHEST_RATIO}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRule:
    """From how many days past due on a loan is of the category, and the least provision: a share of the exposure."""

    from_dpd: DaysPastDue
    minimum_bps: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How provisions are made.

    late_dpd, default_dpd: days past due from which a loan is of stage 2, of stage 3. pd_ratio, pd_step_ppm: the risk
    has risen when the PD is at least this multiple of that at origination, and at least so many millionths above it.
    re_aged_stage, re_aged_months: the stage that a re-aged loan has at least, for so many months after. cure_2_months,
    cure_3_months: at how many month ends in a row a loan must qualify for a better stage before it leaves stage 2, or
    3; one stage at a time. least_pd_ppm, least_risen_pd_ppm: the least PD in stages 1 and 2. unscored_pd_ppm: the PD
    of a merchant without a score. past_maturity_days: over how long a loan past its last due date is expected to be
    paid. line_days: how long a credit line is expected to stay open. conversion_bps: the share of what is undrawn
    that is expected to be drawn before a default. default_level: whether a borrower's other loans and lines follow one
    that is in default.
    """

    version: Number
    basis: Basis
    late_dpd: Days
    default_dpd: Days
    pd_ratio: Annotated[Decimal, _require_ratio]
    pd_step_ppm: Probability
    re_aged_stage: ImpairedStage
    re_aged_months: Months
    cure_2_months: Months
    cure_3_months: Months
    least_pd_ppm: Probability
    least_risen_pd_ppm: Probability
    unscored_pd_ppm: Probability
    past_maturity_days: Days
    line_days: Days
    conversion_bps: Share
    categories: Mapping[Category, CategoryRule]
    default_level: DefaultLevel = field(default=DefaultLevel.LOAN, metadata=ADDED)


def _policy_of(text: str) -> Policy:
    policy = read_policy(Policy, text, require=_require_order)
    ordered = {category: policy.categories[category] for category in Category}
    return replace(policy, categories=MappingProxyType(ordered))


def _require_order(policy: Policy) -> None:
    """Require that whatever is worse is provided for at least as much."""
    if policy.default_dpd <= policy.late_dpd:
        raise unfit(policy.default_dpd, "default_dpd", "above late_dpd")
    if policy.least_risen_pd_ppm < policy.least_pd_ppm:
        raise unfit(policy.least_risen_pd_ppm, "least_risen_pd_ppm", "at least least_pd_ppm")
    if set(policy.categories) != set(Category):
        raise unfit(", ".join(policy.categories), "categories", f"exactly {', '.join(Category)}")
    if policy.categories[Category.NORMAL].from_dpd:
        raise unfit(policy.categories[Category.NORMAL].from_dpd, "categories", "0 days past due for NORMAL")
    for better, worse in pairwise(Category):
        above, below = policy.categories[better], policy.categories[worse]
        if below.from_dpd <= above.from_dpd or below.minimum_bps < above.minimum_bps:
            raise unfit(worse.value, "categories", f"from more days past due than {better}, with as high a minimum")


canonical_policy, parse_policy = forms_of(_policy_of)
