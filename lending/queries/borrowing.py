"""What one merchant may borrow, and has borrowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from config.office.business_date import get_business_date
from lending.domain.origination.assessment import Assessment, assess
from lending.domain.origination.no_offer import NoOfferExplanation, explain_no_offer
from lending.domain.origination.rules import current_rules
from lending.models import Application, CreditLine, Loan, Offer
from lending.queries.closes import StandingLoan, with_standings
from lending.queries.facts import facts_of, is_outdated
from lending.queries.products import product_of, sold_product
from merchants.models import Merchant
from scoring.models import Score
from scoring.queries.scores import get_live_run

SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowing:
    """A merchant's open offer, or why there is none, and its loans and applications, latest first.

    line_minor: the credit line in force; None before the first. assessment: the merchant's, today, for the product
    sold; None without a product, score or business date.
    """

    offer: Offer | None
    assessment: Assessment | None
    without: NoOfferExplanation | None
    line_minor: int | None
    loans: Sequence[StandingLoan]
    applications: Sequence[Application]


def get_borrowing(merchant: Merchant) -> Borrowing:
    """Return what a merchant may borrow, and has borrowed."""
    assessment = assess_merchant(merchant)
    return Borrowing(
        offer=Offer.objects.open().filter(merchant=merchant).first(),
        assessment=assessment,
        without=None if assessment is None else explain_no_offer(assessment),
        line_minor=CreditLine.objects.filter(merchant=merchant).values_list("limit_minor", flat=True).first(),
        loans=with_standings(list(Loan.objects.filter(merchant=merchant).order_by("-pk")[:SHOWN])),
        applications=list(Application.objects.filter(merchant=merchant).order_by("-pk")[:SHOWN]),
    )


def assess_merchant(merchant: Merchant) -> Assessment | None:
    """Assess a merchant by its live score, as the nightly offers do; None where there is no basis.

    A score made without a characteristic that the rules read is no basis.
    """
    rules = current_rules()
    version, on = sold_product(currency=merchant.currency), get_business_date()
    run = get_live_run()
    score = None if run is None else Score.objects.filter(run=run, merchant=merchant).first()
    if version is None or on is None or run is None or score is None or is_outdated(run.feature_set, rules):
        return None
    score.run = run  # with its card and calibration
    product = product_of(version)
    facts = facts_of(scores=[score], on=on, product=product, rules=rules)[merchant.pk]
    return assess(facts, product, rules.no_offer)


def with_offer(merchants: QuerySet[Merchant], *, has_offer: bool) -> QuerySet[Merchant]:
    """Filter to the merchants that have an open offer, or to those that have none."""
    offered = Exists(Offer.objects.open().filter(merchant=OuterRef("pk")))
    return merchants.filter(offered if has_offer else ~offered)
