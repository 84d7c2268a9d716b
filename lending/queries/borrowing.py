"""What one merchant may borrow, and has borrowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from config.office.business_date import get_business_date
from lending.domain.origination.assessment import Assessment, assess
from lending.domain.origination.no_offer import NoOfferExplanation, explain_no_offer
from lending.domain.origination.product import ProductKind
from lending.domain.origination.rules import current_rules
from lending.models import Application, GrantedLimit, Line, Loan, Offer, ProductVersion
from lending.queries.closes import StandingLoan, with_standings
from lending.queries.facts import facts_of, is_outdated
from lending.queries.lines import StandingLine, lines_of
from lending.queries.products import product_of, sold_products
from merchants.models import Merchant
from scoring.models import Score
from scoring.queries.scores import get_live_run

SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """What a merchant has under one kind of product: an open offer, or why there is none; or a line that is open.

    granted_minor: what it is granted; None before the first night. assessment: the merchant's, today, for the product
    sold; None without a product, score or business date.
    """

    kind: ProductKind
    offer: Offer | None
    assessment: Assessment | None
    without: NoOfferExplanation | None
    granted_minor: int | None
    has_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowing:
    """What a merchant has under each kind that is sold in its currency; its lines, loans and applications."""

    offerings: Sequence[Offering]
    lines: Sequence[StandingLine]
    loans: Sequence[StandingLoan]
    applications: Sequence[Application]


def get_borrowing(merchant: Merchant) -> Borrowing:
    """Return what a merchant may borrow, and has borrowed; loans and applications the latest first."""
    return Borrowing(
        offerings=offerings_of(merchant, Offer.objects.open().filter(merchant=merchant)),
        lines=lines_of(merchant.pk),
        loans=with_standings(list(Loan.objects.filter(merchant=merchant).order_by("-pk")[:SHOWN])),
        applications=list(Application.objects.filter(merchant=merchant).order_by("-pk")[:SHOWN]),
    )


def offerings_of(merchant: Merchant, offers: Iterable[Offer]) -> list[Offering]:
    """Return what a merchant has under each kind that is sold in its currency, or offered: of these open offers."""
    by_kind = {ProductKind(offer.kind): offer for offer in offers}
    sold = {ProductKind(version.kind): version for version in sold_products(currency=merchant.currency)}
    granted = dict(GrantedLimit.objects.filter(merchant=merchant).values_list("kind", "limit_minor"))
    lines = set(Line.objects.open().filter(merchant=merchant).values_list("product__kind", flat=True))
    found = []
    for kind in [kind for kind in ProductKind if kind in by_kind or kind in sold]:
        assessment = assess_merchant(merchant, sold[kind]) if kind in sold else None
        found.append(
            Offering(
                kind=kind,
                offer=by_kind.get(kind),
                assessment=assessment,
                without=None if assessment is None else explain_no_offer(assessment),
                granted_minor=granted.get(kind),
                has_line=kind in lines,
            )
        )
    return found


def assess_merchant(merchant: Merchant, version: ProductVersion) -> Assessment | None:
    """Assess a merchant for a product by its live score, as the nightly offers do; None where there is no basis.

    A score made without a characteristic that the rules read is no basis.
    """
    rules, on, run = current_rules(), get_business_date(), get_live_run()
    score = None if run is None else Score.objects.filter(run=run, merchant=merchant).first()
    if on is None or run is None or score is None or is_outdated(run.feature_set, rules):
        return None
    score.run = run  # with its card and calibration
    product = product_of(version)
    facts = facts_of(scores=[score], on=on, product=product, rules=rules)[merchant.pk]
    return assess(facts, product, rules.no_offer)


def with_offer(merchants: QuerySet[Merchant], *, has_offer: bool) -> QuerySet[Merchant]:
    """Filter to the merchants that have an open offer, or to those that have none."""
    offered = Exists(Offer.objects.open().filter(merchant=OuterRef("pk")))
    return merchants.filter(offered if has_offer else ~offered)
