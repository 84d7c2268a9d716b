"""Offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Count, F, Sum
from django.db.models.functions import Mod

from config.db.rows import select
from config.office.business_date import get_business_date
from lending.domain.contract.quote import Quote, quote
from lending.domain.origination.calendars import CalendarRefusal, is_beyond_calendar, within_calendar
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.offer import (
    AcceptanceRefusal,
    Offered,
    OfferState,
    judge_acceptance,
    read_choices,
)
from lending.domain.origination.product import Months, ProductKind
from lending.models import Offer, OfferRound, ProductVersion
from lending.queries.products import product_of
from merchants.models import Merchant
from scoring.domain.calibration import Grade
from scoring.models import Score

OFFER = """
SELECT {o}, {m}, {p} FROM lending_offer o JOIN merchants_merchant m ON m.id = o.merchant_id
JOIN lending_productversion p ON p.id = o.product_id WHERE o.id = %(offer)s
"""
OFFER_FACTS = """
SELECT (SELECT current FROM office_businessdate),
    EXISTS (SELECT FROM lending_application WHERE partner_id = %(partner)s AND external_ref = %(reference)s),
    (SELECT id FROM merchants_payoutaccount WHERE merchant_id = %(merchant)s AND state = 'VERIFIED'),
    (SELECT array_remove(ARRAY[verified_by, approved_by], NULL) FROM merchants_payoutaccount
        WHERE merchant_id = %(merchant)s AND state = 'VERIFIED'),
    (SELECT feature_set FROM scoring_liverun l JOIN scoring_scorerun r ON r.id = l.run_id),
    (SELECT feed_signal FROM merchants_partner WHERE id = %(partner)s),
    EXISTS (SELECT FROM lending_line l JOIN lending_productversion p ON p.id = l.product_id
        WHERE l.merchant_id = %(merchant)s AND l.state IN ('ACTIVE', 'FROZEN') AND p.kind = %(kind)s)
"""


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What stands beside an offer: the business date, whether the partner's reference is used, and the ids of others.

    payout_account: the merchant's verified one; verifiers: who verified it and who approved that. feature_set: of the
    live scores. feed_signal: "" or why the partner's feed is red. has_line: the merchant has an open line of this kind
    of product.
    """

    on: date | None
    is_reference_used: bool
    payout_account: int | None
    verifiers: Sequence[str] | None
    feature_set: str | None
    feed_signal: str
    has_line: bool


def get_offer(*, offer_id: int) -> Offer:
    """Get an offer with its merchant and product. Raises Offer.DoesNotExist."""
    offer: Offer
    for offer, merchant, product in select(OFFER, {"offer": offer_id}, o=Offer, m=Merchant, p=ProductVersion):
        offer.merchant, offer.product = merchant, product
        return offer
    raise Offer.DoesNotExist


def get_offer_facts(offer: Offer, *, external_ref: str) -> OfferFacts:
    """Get what is asked beside an offer when its merchant accepts it under its partner's reference."""
    return get_facts_beside(offer.merchant, external_ref=external_ref, kind=offer.kind)


def get_facts_beside(merchant: Merchant, *, external_ref: str, kind: str) -> OfferFacts:
    """Get what is asked beside an offer or a line of a kind when something is applied for under a reference."""
    with connection.cursor() as cursor:
        cursor.execute(
            OFFER_FACTS,
            {"partner": merchant.partner_id, "reference": external_ref, "merchant": merchant.pk, "kind": kind},
        )
        return OfferFacts(*cursor.fetchone())


def get_offer_of_partner(*, partner_id: int, offer_id: int) -> Offer:
    """Get an offer to one of a partner's merchants. Raises Offer.DoesNotExist."""
    return Offer.objects.select_related("merchant", "product").get(pk=offer_id, merchant__partner=partner_id)


def open_offers_to(*, merchant_id: int) -> dict[ProductKind, Offer]:
    """Get the offers that a merchant may accept and that have not expired, by kind."""
    offers = Offer.objects.open().select_related("merchant").filter(merchant=merchant_id)
    on = get_business_date()
    found = offers if on is None else offers.filter(expires_on__gt=on)
    return {ProductKind(offer.kind): offer for offer in found}


def open_offers_of_partner(
    *, partner_id: int, merchant_id: int | None, kind: ProductKind | None, after: int, limit: int
) -> list[Offer]:
    """List the open offers to a partner's merchants, or to one of them, or of a kind, by ids, after the given one."""
    offers = Offer.objects.open().filter(merchant__partner=partner_id, pk__gt=after)
    if merchant_id is not None:
        offers = offers.filter(merchant=merchant_id)
    if kind is not None:
        offers = offers.filter(kind=kind)
    return list(offers.select_related("merchant").order_by("pk")[:limit])


def open_offers_of(version: ProductVersion) -> tuple[int, int]:
    """Count the open offers of a product version, and sum their limits (minor units)."""
    found = Offer.objects.open().filter(product=version).aggregate(number=Count("pk"), minor=Sum("limit_minor"))
    return found["number"], found["minor"] or 0


def quote_offer(
    offer: Offer, *, on: date, amount_minor: int, months: Months
) -> Quote | AcceptanceRefusal | CalendarRefusal:
    """Quote the loan that acceptance would create, of a line all of it drawn; or return why it is refused.

    Raises LoanRefused (BAD_TERMS).
    """
    refusal = judge_acceptance(
        offered_of(offer),
        on=on,
        amount_minor=amount_minor,
        months=months,
        evidence=None,
        payout_account_verified=False,
    )
    # Of several refusals the first counts: if that is the missing evidence, amount and term fit.
    if refusal is not None and refusal is not AcceptanceRefusal.EVIDENCE_MISSING:
        return refusal
    product = product_of(offer.product)
    kind, grade = kind_of(product), Grade(offer.grade)
    judged = kind.judged(within_calendar(product, on=on), grade, months)
    if judged == 0 or is_beyond_calendar(product, judged, on=on):
        return CalendarRefusal.TERM_BEYOND_CALENDAR
    return quote(kind.terms(product, grade=grade, principal_minor=amount_minor, months=judged), on=on)


def assessed_after(found: OfferRound, *, part: int, after: int, limit: int) -> list[Score]:
    """List the scores of a part of a round's merchants, in order of merchants, after the given one.

    Not of those whose partner's feed is red: their offers stay as they are, and are held.
    """
    later = Score.objects.filter(run=found.run_id, merchant__gt=after, merchant__partner__feed_signal="").annotate(
        part=Mod(F("merchant_id"), found.parts)
    )
    named = later.select_related("merchant", "run__scorecard", "run__calibration")
    return list(named.filter(part=part).order_by("merchant_id")[:limit])


def offered_of(offer: Offer) -> Offered:
    """Return an offer as the rules take it."""
    return Offered(
        state=OfferState(offer.state),
        expires_on=offer.expires_on,
        minimum_minor=offer.minimum_minor,
        most_by_months=read_choices(offer.most_by_months),
    )
