"""Say what one merchant may borrow, and has borrowed."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.admin import Verb
from config.office.words import money
from lending.admin.caps import caps_context
from lending.admin.words import APPLICATION_STATES, CAPS, INELIGIBLE, LOAN_STATUSES, NO_OFFERS
from lending.domain.books.loan import LoanStatus
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from lending.domain.origination.no_offer import Measure, Threshold, Without
from lending.models import Loan, Offer
from lending.queries.borrowing import get_borrowing
from merchants.models import Merchant

MEASURES = {
    Measure.ORDERS: _("orders: %(have)s, %(need)s are needed"),
    Measure.RECENT_SALES: _("sales in the last 90 days: %(have)s, %(need)s is needed"),
    Measure.DAYS_SINCE_FIRST_SALE: _("days since the first sale: %(have)s, %(need)s are needed"),
    Measure.DAYS_SINCE_LAST_SALE: _("days since the last sale: %(have)s, %(need)s at most"),
    Measure.TENURE_MONTHS: _("months on the platform: %(have)s, %(need)s are needed"),
    Measure.DISPUTES_BPS: _("disputed orders in 10,000: %(have)s, %(need)s at most"),
    Measure.SCORE_AGE_DAYS: _("days since the score: %(have)s, %(need)s at most"),
    Measure.SCORE: _("score: %(have)s, %(need)s is needed"),
    Measure.DAYS_PAST_DUE: _("days past due: %(have)s, %(need)s at most"),
    Measure.AMOUNT_MINOR: _("could be lent: %(have)s, %(need)s is the least"),
    Measure.NIGHTS: _("nights in a row: %(have)s, %(need)s are needed"),
}


def borrowing_context(merchant: Merchant, request: HttpRequest) -> dict[str, Any]:
    """Gather the lending part of the merchant page, as whoever asks may see it."""
    if not request.user.has_perm("lending.view_loan"):
        return {}
    borrowing = get_borrowing(merchant)
    offer, assessment = borrowing.offer, borrowing.assessment
    context: dict[str, Any] = {
        "offer": offer,
        "offer_terms": None if offer is None else _terms(offer),
        "apply_verb": None if offer is None else _apply_verb(offer, request),
        "no_offer": None if borrowing.without is None else _without(borrowing.without, merchant),
        "assessed": assessment is not None,
        "loans": [_loan(loan) for loan in borrowing.loans],
        "applications": [
            (
                application,
                *APPLICATION_STATES[ApplicationState(application.state)],
                money(application.amount_minor, application.currency),
            )
            for application in borrowing.applications
        ],
    }
    if offer is not None:
        return context | caps_context(offer.caps, offer.binding, offer.currency)
    if assessment is not None and assessment.limit is not None:
        limit = assessment.limit
        caps = {str(cap): minor for cap, minor in limit.caps.items()}
        return context | caps_context(caps, limit.binding, merchant.currency)
    return context


def _apply_verb(offer: Offer, request: HttpRequest) -> Verb:
    why = None if request.user.has_perm("lending.enter_application") else _("Your role may not apply for merchants.")
    return Verb(label=_("Apply"), url=reverse("admin:lending_offer_apply", args=[offer.pk]), why=why)


def _terms(offer: Offer) -> dict[str, Any]:
    return {
        "limit": money(offer.limit_minor, offer.currency),
        "minimum": money(offer.minimum_minor, offer.currency),
        "daily": f"{offer.daily_rate * 100:.3f} %",
        "months": max(int(months) for months, most in offer.most_by_months.items() if most),
    }


def _without(without: Without, merchant: Merchant) -> dict[str, Any]:
    """Say the reason, what is behind it, and how far it is to the next threshold."""
    behind = None
    if isinstance(without.cause, Cap):
        behind = CAPS[without.cause]
    elif isinstance(without.cause, Ineligible):
        behind = INELIGIBLE[without.cause]
    threshold = without.threshold
    return {
        "reason": NO_OFFERS[without.reason],
        "behind": behind,
        "threshold": None if threshold is None else _threshold(threshold, merchant.currency),
    }


def _threshold(threshold: Threshold, currency: str) -> str:
    have, need = f"{threshold.have:,}", f"{threshold.need:,}"
    if threshold.measure is Measure.AMOUNT_MINOR:
        have, need = (money(minor, currency) for minor in (threshold.have, threshold.need))
    return _t(str(MEASURES[threshold.measure])) % {"have": have, "need": need}


def _loan(loan: Loan) -> dict[str, Any]:
    words, tint = LOAN_STATUSES[LoanStatus(loan.status)]
    return {
        "loan": loan,
        "words": words,
        "tint": tint,
        "amount": money(loan.amount_minor, loan.currency),
        "outstanding": money(loan.principal_minor, loan.currency),
    }
