"""Explain why a merchant has no offer: the cause, and the next threshold; words are the interface's."""

from dataclasses import dataclass
from enum import StrEnum

from lending.domain.origination.assessment import Assessment, NoOffer
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from scoring.domain.policy import DAY_ONE, GATES, Gate, NotScored


class Measure(StrEnum):
    """What a threshold is measured in; it is reached from below, those marked "at most" from above."""

    ORDERS = "ORDERS"
    RECENT_SALES = "RECENT_SALES"
    DAYS_SINCE_FIRST_SALE = "DAYS_SINCE_FIRST_SALE"
    DAYS_SINCE_LAST_SALE = "DAYS_SINCE_LAST_SALE"  # at most
    TENURE_MONTHS = "TENURE_MONTHS"
    DISPUTES_BPS = "DISPUTES_BPS"  # at most
    SCORE_AGE_DAYS = "SCORE_AGE_DAYS"  # at most
    SCORE = "SCORE"
    DAYS_PAST_DUE = "DAYS_PAST_DUE"  # at most
    AMOUNT_MINOR = "AMOUNT_MINOR"
    NIGHTS = "NIGHTS"


Cause = NotScored | Gate | Ineligible | Cap
Step = tuple[Measure, int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """How far a merchant has come and how far it has to, in the unit of the measure."""

    measure: Measure
    have: int
    need: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOfferExplanation:
    """Why a merchant has no offer: the reason, which of its kind, and the next threshold, if one is known."""

    reason: NoOffer
    cause: Cause | None
    threshold: Threshold | None


def explain_no_offer(case: Assessment) -> NoOfferExplanation | None:
    """Explain why the merchant has no offer; None if it has one."""
    reason = case.no_offer
    if reason is None:
        return None
    cause = _cause(reason, case)
    measure, have, need = _next_step(reason, cause, case) or (None, None, None)
    if measure is None or have is None or need is None:
        return NoOfferExplanation(reason=reason, cause=cause, threshold=None)
    return NoOfferExplanation(reason=reason, cause=cause, threshold=Threshold(measure=measure, have=have, need=need))


def _cause(reason: NoOffer, case: Assessment) -> Cause | None:
    match reason:
        case NoOffer.NOT_SCORED:
            return case.facts.score.not_scored
        case NoOffer.GATE_FAILED:
            return min(case.facts.score.gates, key=GATES.index)
        case NoOffer.NOT_ELIGIBLE:
            return case.ineligible
        case NoOffer.LIMIT_BELOW_MINIMUM:
            return None if case.limit is None else case.limit.binding
    return None


def _next_step(reason: NoOffer, cause: Cause | None, case: Assessment) -> Step | None:
    """Return the measure of the cause, else of the reason, with how far it is and how far it has to be."""
    score, product = case.facts.score, case.product
    match cause:  # by its kind first: Gate.TENURE and Ineligible.TENURE are equal, as texts
        case NotScored():
            return {
                NotScored.FEW_ORDERS: _grown(Measure.ORDERS, DAY_ONE.fewest_orders, score.needed),
                NotScored.NO_RECENT_SALE: _grown(Measure.RECENT_SALES, 1, score.needed),
                NotScored.TOO_YOUNG: _grown(Measure.DAYS_SINCE_FIRST_SALE, DAY_ONE.youngest_days, score.needed),
            }[cause]
        case Gate():
            return {
                Gate.TENURE: (Measure.TENURE_MONTHS, score.tenure_months, DAY_ONE.tenure_months),
                Gate.RECENCY: (Measure.DAYS_SINCE_LAST_SALE, score.recency_days, DAY_ONE.recency_days),
                Gate.DISPUTES: (Measure.DISPUTES_BPS, score.disputes_bps, DAY_ONE.disputes_bp - 1),
            }[cause]
        case Ineligible():
            return {
                Ineligible.TENURE: (Measure.TENURE_MONTHS, score.tenure_months or 0, product.eligibility.tenure_months),
                Ineligible.SCORE: (Measure.SCORE, score.score, product.eligibility.score),
            }.get(cause)
    least = None if case.limit is None else case.limit.least_minor
    nights = None if case.granted is None else case.granted.nights(case.facts.on)
    return {
        NoOffer.SCORE_TOO_OLD: (Measure.SCORE_AGE_DAYS, case.score_age_days, product.origination.score_days),
        NoOffer.GRADE_TOO_LOW: (Measure.SCORE, score.score, score.cut_off),
        NoOffer.PAST_DUE: (Measure.DAYS_PAST_DUE, case.facts.exposure.days_past_due, 0),
        NoOffer.LIMIT_BELOW_MINIMUM: (Measure.AMOUNT_MINOR, least, product.minimum_minor),
        NoOffer.RAISE_PENDING: (Measure.NIGHTS, nights, product.limits.raise_nights),
        NoOffer.NO_ROOM_LEFT: (Measure.AMOUNT_MINOR, case.free_minor, product.minimum_minor),
    }.get(reason)


def _grown(measure: Measure, need: int, missing: int) -> Step:
    """Convert what scoring stored as still needed to how far it is."""
    return measure, need - missing, need
