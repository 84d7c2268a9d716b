"""Lending's reasons in the words of merchants: one table each, complete by test.

Staff read others (`lending.admin.words`). What would teach anyone to game the checks for made-up sales is not said:
whatever leaves an application to a person is told alike.
"""

from dataclasses import dataclass
from typing import Final

from config.kernel.money import format_minor
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from lending.domain.origination.no_offer import Cause, Measure, NoOfferExplanation, Threshold
from lending.domain.origination.rules import Ground, Outcome
from scoring.domain.policy import FAILED_GATES, NEEDS, Gate, NotScored

REVIEW: Final = ("needs_review", "A person looks at the application; the decision follows.")
BY_PERSON: Final = ("declined_by_person", "A person looked at the application and declined it.")
NO_OFFER_YET: Final = ("no_offer_yet", "Offers are made from each night's published scores: ask again after the next.")
HAS_LINE: Final = {"code": "line_open", "words": "You have a credit line: draw on it.", "threshold": None}
NO_OFFERS: Final = {
    NoOffer.NOT_SCORED: "You have too little history for a score.",
    NoOffer.SCORE_TOO_OLD: "Your score is out of date: another comes with the next published scores.",
    NoOffer.GATE_FAILED: "You do not meet one of the conditions for a loan.",
    NoOffer.GRADE_TOO_LOW: "Your score is below those that are lent to.",
    NoOffer.NOT_ELIGIBLE: "Nothing is offered to shops like yours yet.",
    NoOffer.PAST_DUE: "One of your loans is past due.",
    NoOffer.DRAWS_HELD: "We are reviewing your shop's recent trading.",
    NoOffer.CREDIT_HELD: "We are reviewing your shop's recent trading.",
    NoOffer.CALENDAR_ENDS: "Nothing is lent until the business days of the coming years are known.",
    NoOffer.LIMIT_BELOW_MINIMUM: "Your limit is below the smallest amount that is lent.",
    NoOffer.RAISE_PENDING: "Enough could be lent to you, but not for enough nights in a row yet.",
    NoOffer.NO_ROOM_LEFT: "Your active loans leave less than the smallest amount that is lent.",
}
INELIGIBLE: Final = {
    Ineligible.CURRENCY: "Nothing is lent in your currency.",
    Ineligible.PARTNER: "Nothing is offered on your platform yet.",
    Ineligible.REGION: "Nothing is offered in your region yet.",
    Ineligible.CATEGORY: "Nothing is offered in your category yet.",
    Ineligible.MEMBERSHIP: "Nothing is offered to members of your tier yet.",
    Ineligible.TENURE: "You have not been selling here for long enough.",
    Ineligible.SCORE: "Your score is below the one that is needed.",
}
GROUNDS: Final = {
    **{Ground(reason.value): (reason.lower(), words) for reason, words in NO_OFFERS.items()},
    Ground.TERM_BEYOND_CALENDAR: (
        "term_beyond_calendar",
        "The business days of the last instalments are not known yet: choose a shorter term.",
    ),
    Ground.MONTHS_OUT_OF_RANGE: ("months_out_of_range", "The term is not one that you may choose."),
    Ground.AMOUNT_BELOW_MINIMUM: ("amount_below_minimum", "The amount is below the product minimum."),
    Ground.AMOUNT_ABOVE_LIMIT: ("amount_above_limit", "The amount is above what can be lent to you now."),
    Ground.DEBT_SERVICE: ("debt_service", "The instalments would take too much of a month's sales."),
    Ground.FLAGGED_SALES: REVIEW,
    Ground.LARGE_AMOUNT: REVIEW,
    Ground.OWNER_PAST_DUE: REVIEW,
}
OF_OTHERS: Final = frozenset({Cap.PORTFOLIO_ROOM, Cap.CATEGORY_ROOM, Cap.OWNER_ROOM})
"""What others owe bounds these, and may bound what NO_ROOM_LEFT leaves: the distance would tell about them."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a measure is told: its unit, whether it is reached from above, and its words."""

    unit: str
    at_most: bool
    words: str


MEASURES: Final = {
    Measure.ORDERS: Told("order", at_most=False, words="You have {have} orders; {need} are needed."),
    Measure.RECENT_SALES: Told("sale", at_most=False, words="You have {have} recent sales; {need} is needed."),
    Measure.DAYS_SINCE_FIRST_SALE: Told(
        "day", at_most=False, words="Your first sale was {have} days ago; {need} are needed."
    ),
    Measure.DAYS_SINCE_LAST_SALE: Told(
        "day", at_most=True, words="Your last sale was {have} days ago; it may be {need} at most."
    ),
    Measure.TENURE_MONTHS: Told(
        "month", at_most=False, words="You have been selling here for {have} months; {need} are needed."
    ),
    Measure.DISPUTES_BPS: Told(
        "basis_point", at_most=True, words="Of 10,000 orders {have} were disputed; {need} may be at most."
    ),
    Measure.SCORE_AGE_DAYS: Told("day", at_most=True, words="Your score is {have} days old; it may be {need} at most."),
    Measure.SCORE: Told("point", at_most=False, words="Your score is {have}; {need} is needed."),
    Measure.DAYS_PAST_DUE: Told("day", at_most=True, words="A loan of yours is {have} days past due."),
    Measure.AMOUNT_MINOR: Told("", at_most=False, words="{have} could be lent to you; {need} is the least."),
    Measure.NIGHTS: Told("night", at_most=False, words="It has been {have} nights; {need} are needed."),
}


def no_offer(without: NoOfferExplanation | None, currency: str) -> dict[str, object]:
    """Return why a merchant has no offer, and the next threshold. None: the next offers are yet to be made."""
    if without is None:
        code, words = NO_OFFER_YET
        return {"code": code, "words": words, "threshold": None}
    unsaid = without.cause in OF_OTHERS or without.reason is NoOffer.NO_ROOM_LEFT
    return {
        "code": without.reason.lower(),
        "words": _words(without.cause) or NO_OFFERS[without.reason],
        "threshold": None if unsaid or without.threshold is None else _threshold(without.threshold, currency),
    }


def ground(*, decided_by_person: bool, outcome: Outcome, rule: str) -> dict[str, str] | None:
    """Return why an application was not approved, None where it was. `rule`: the one that counted."""
    if outcome is Outcome.APPROVE:
        return None
    code, words = BY_PERSON if decided_by_person else GROUNDS[Ground(rule)]
    return {"code": code, "words": words}


def _words(cause: Cause | None) -> str | None:
    match cause:  # by its kind first: Gate.TENURE and Ineligible.TENURE are equal, as texts
        case NotScored():
            return f"{NEEDS[cause]}."
        case Gate():
            return FAILED_GATES[cause]
        case Ineligible():
            return INELIGIBLE[cause]
    return None


def _threshold(threshold: Threshold, currency: str) -> dict[str, object]:
    told, is_money = MEASURES[threshold.measure], threshold.measure is Measure.AMOUNT_MINOR
    have, need = (
        format_minor(value, currency) if is_money else str(value) for value in (threshold.have, threshold.need)
    )
    return {
        "measure": "amount" if is_money else threshold.measure.lower(),
        "have": have,
        "need": need,
        "unit": currency if is_money else told.unit,
        "at_most": told.at_most,
        "words": told.words.format(have=have, need=need),
    }
