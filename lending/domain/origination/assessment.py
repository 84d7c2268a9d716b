"""Assess a merchant for a product: its limit, what it is granted, and why it has no offer, if it has none.

The same function makes the nightly offers, previews a product that is not sold yet, and opens every decision.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lending.domain.origination.calendars import known_months, within_calendar
from lending.domain.origination.eligibility import Ineligible, judge_eligibility
from lending.domain.origination.facts import Hold, MerchantFacts
from lending.domain.origination.granted_limit import GrantedLimit, next_limit
from lending.domain.origination.limit import Limit, compute_limit
from lending.domain.origination.product import Product


class NoOffer(StrEnum):
    """Why a merchant has no offer; of several reasons, the first counts."""

    NOT_SCORED = "NOT_SCORED"
    SCORE_TOO_OLD = "SCORE_TOO_OLD"
    GATE_FAILED = "GATE_FAILED"
    GRADE_TOO_LOW = "GRADE_TOO_LOW"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    PAST_DUE = "PAST_DUE"
    DRAWS_HELD = "DRAWS_HELD"
    CREDIT_HELD = "CREDIT_HELD"
    CALENDAR_ENDS = "CALENDAR_ENDS"
    LIMIT_BELOW_MINIMUM = "LIMIT_BELOW_MINIMUM"
    RAISE_PENDING = "RAISE_PENDING"
    NO_ROOM_LEFT = "NO_ROOM_LEFT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a product offers a merchant.

    product: with those of its terms that its calendar knows. limit: None for a merchant that is not scored, or of a
    grade that is not lent to, or is left no term. granted: after this night. rules: those
    that deny an offer, in their order.
    """

    rules: "NoOfferRules"
    facts: MerchantFacts
    product: Product
    limit: Limit | None
    granted: GrantedLimit | None

    @property
    def granted_minor(self) -> int:
        """How much the merchant may owe in all, in minor units."""
        return 0 if self.granted is None else self.granted.limit_minor

    @property
    def free_minor(self) -> int:
        """What can be newly lent, in minor units; below the product's minimum nothing is."""
        return max(0, self.granted_minor - self.facts.exposure.outstanding_minor)

    @property
    def score_age_days(self) -> int:
        """Days since the score's midnight."""
        return (self.facts.on - self.facts.score.as_of).days

    @property
    def ineligible(self) -> Ineligible | None:
        """Why the merchant is not eligible for the product."""
        return judge_eligibility(self.facts.profile, self.facts.score, self.product)

    @property
    def no_offer(self) -> NoOffer | None:
        """Why the merchant has no offer; None if it has one of `free_minor`."""
        return next((reason for reason, holds in self.rules if holds(self)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a product would do: merchants with an offer, what it offers in all, the others by reason."""

    offers: int
    offered_minor: int
    without: Mapping[NoOffer, int]


def assess(facts: MerchantFacts, product: Product, rules: "NoOfferRules") -> Assessment:
    """Assess one merchant on the business date of its facts, by the rules of a version (`rules`)."""
    limit, grade, product = None, facts.score.grade, within_calendar(product, on=facts.on)
    row = None if grade is None else product.grades.get(grade)
    is_scored = facts.score.not_scored is None
    if is_scored and grade is not None and row is not None and row.months >= product.shortest_months:
        limit = compute_limit(facts, product, grade=grade)
    computed = 0 if limit is None else limit.limit_minor
    granted = next_limit(facts.exposure.line, computed, night=facts.on, rules=product.limits)
    return Assessment(rules=rules, facts=facts, product=product, limit=limit, granted=granted)


def preview(assessments: Iterable[Assessment]) -> Preview:
    """Sum what a product would do, merchant by merchant, before it is sold."""
    without = Counter[NoOffer]()
    offers = offered = 0
    for assessment in assessments:
        reason = assessment.no_offer
        if reason is None:
            offers += 1
            offered += assessment.free_minor
        else:
            without[reason] += 1
    by_reason = MappingProxyType({reason: without[reason] for reason in NoOffer if without[reason]})
    return Preview(offers=offers, offered_minor=offered, without=by_reason)


def not_scored(case: Assessment) -> bool:
    """Check whether there is too little history for a score."""
    return case.facts.score.not_scored is not None


def score_too_old(case: Assessment) -> bool:
    """Check whether the score is older than the product allows."""
    return case.score_age_days > case.product.origination.score_days


def gate_failed(case: Assessment) -> bool:
    """Check whether the merchant fails a hard gate."""
    return bool(case.facts.score.gates)


def grade_too_low(case: Assessment) -> bool:
    """Check whether the grade is not lent to; without a calibration there is none."""
    return case.facts.score.grade not in case.product.grades


def not_eligible(case: Assessment) -> bool:
    """Check whether the merchant is not eligible."""
    return case.ineligible is not None


def past_due(case: Assessment) -> bool:
    """Check whether one of its own loans is past due."""
    return case.facts.exposure.days_past_due > 0


def draws_held(case: Assessment) -> bool:
    """Check whether a warning of its trade holds back what it could draw, too."""
    return case.facts.hold is Hold.FREEZE


def credit_held(case: Assessment) -> bool:
    """Check whether a warning of its trade holds back new credit."""
    return case.facts.hold is not Hold.NONE


def calendar_ends(case: Assessment) -> bool:
    """Check whether the product's calendar knows the due dates of no term."""
    return known_months(case.product, case.facts.on) < case.product.shortest_months


def limit_below_minimum(case: Assessment) -> bool:
    """Check whether its caps allow less than the product minimum."""
    return case.limit is not None and case.limit.limit_minor == 0


def raise_pending(case: Assessment) -> bool:
    """Check whether its caps allow enough, but not for long enough yet."""
    return case.limit is not None and case.granted_minor < case.product.minimum_minor <= case.limit.limit_minor


def no_room_left(case: Assessment) -> bool:
    """Check whether its active loans use so much of what it is granted that less than the minimum is left."""
    minimum = case.product.minimum_minor
    return case.granted_minor >= minimum > case.free_minor


NoOfferRules = tuple[tuple[NoOffer, Callable[[Assessment], bool]], ...]
NO_OFFER_RULES: Final[NoOfferRules] = (
    (NoOffer.NOT_SCORED, not_scored),
    (NoOffer.SCORE_TOO_OLD, score_too_old),
    (NoOffer.GATE_FAILED, gate_failed),
    (NoOffer.GRADE_TOO_LOW, grade_too_low),
    (NoOffer.NOT_ELIGIBLE, not_eligible),
    (NoOffer.PAST_DUE, past_due),
    (NoOffer.LIMIT_BELOW_MINIMUM, limit_below_minimum),
    (NoOffer.RAISE_PENDING, raise_pending),
    (NoOffer.NO_ROOM_LEFT, no_room_left),
)
"""What denies a merchant an offer, and its application, by the first version of the rules."""
NO_OFFER_RULES_2: Final[NoOfferRules] = (
    *NO_OFFER_RULES[: NO_OFFER_RULES.index((NoOffer.LIMIT_BELOW_MINIMUM, limit_below_minimum))],
    (NoOffer.CALENDAR_ENDS, calendar_ends),
    *NO_OFFER_RULES[NO_OFFER_RULES.index((NoOffer.LIMIT_BELOW_MINIMUM, limit_below_minimum)) :],
)
"""The same by the second, which knows calendars."""
NO_OFFER_RULES_3: Final[NoOfferRules] = (
    *NO_OFFER_RULES_2[: NO_OFFER_RULES_2.index((NoOffer.CALENDAR_ENDS, calendar_ends))],
    (NoOffer.DRAWS_HELD, draws_held),
    (NoOffer.CREDIT_HELD, credit_held),
    *NO_OFFER_RULES_2[NO_OFFER_RULES_2.index((NoOffer.CALENDAR_ENDS, calendar_ends)) :],
)
"""The same by the third, which knows warnings."""
