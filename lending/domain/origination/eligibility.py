"""Decide whom a product is for."""

from enum import StrEnum

from lending.domain.origination.facts import Profile, ScoreFacts
from lending.domain.origination.product import Product


class Ineligible(StrEnum):
    """Why a merchant is not among those a product is for; of several reasons, the first counts."""

    CURRENCY = "CURRENCY"
    PARTNER = "PARTNER"
    REGION = "REGION"
    CATEGORY = "CATEGORY"
    MEMBERSHIP = "MEMBERSHIP"
    TENURE = "TENURE"
    SCORE = "SCORE"


def judge_eligibility(profile: Profile, score: ScoreFacts, product: Product) -> Ineligible | None:
    """Judge one merchant; what is unknown of it ("" or None) is in no list and reaches no minimum."""
    rules = product.eligibility
    tenure, least = score.tenure_months, rules.tenure_months
    checks = (
        (Ineligible.CURRENCY, profile.currency == product.currency),
        (Ineligible.PARTNER, _admits(rules.partners, profile.partner)),
        (Ineligible.REGION, _admits(rules.regions, profile.region)),
        (Ineligible.CATEGORY, _admits(rules.categories, profile.category)),
        (Ineligible.MEMBERSHIP, _admits(rules.memberships, profile.membership)),
        (Ineligible.TENURE, least is None or (tenure is not None and tenure >= least)),
        (Ineligible.SCORE, rules.score is None or score.score >= rules.score),
    )
    return next((reason for reason, admitted in checks if not admitted), None)


def _admits(admitted: frozenset[str] | None, value: str) -> bool:
    return admitted is None or value in admitted
