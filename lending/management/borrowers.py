"""Act for the merchants of a demo: some accept what they are offered, some days later."""

from hashlib import blake2b, sha256

from django.utils import timezone

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.business_date import get_business_date
from lending.domain.origination.offer import SignedTerms
from lending.models import Application, Offer
from lending.operations.applications import OfferNotAccepted, accept_offer
from merchants.models import Merchant, PayoutAccount
from merchants.operations.payout_accounts import enter_payout_account, verify_payout_account

WILLING_PERCENT = 30
DAYS_TO_DECIDE = 7


def accept_some() -> int:
    """Accept, for their merchants, the open offers whose day it is; return how many loans were applied for.

    Who is willing, when, and for how much depends on the offer alone: a demo that is interrupted continues alike.
    """
    today, applied = get_business_date(), 0
    for offer in Offer.objects.open().select_related("merchant__partner").order_by("pk"):
        drawn = _draw(offer)
        waits = (today - offer.made_on).days if today is not None else 0
        if drawn % 100 >= WILLING_PERCENT or waits != drawn // 100 % DAYS_TO_DECIDE:
            continue
        _have_account(offer.merchant)
        try:
            accept_as_merchant(offer)
        except OfferNotAccepted:
            continue  # it expired meanwhile
        applied += 1
    return applied


def have_accounts() -> None:
    """Create a payout account for every merchant with an offer: a stranger who follows docs/api.md may accept any."""
    for offer in Offer.objects.open().select_related("merchant"):
        _have_account(offer.merchant)


def _draw(offer: Offer) -> int:
    """Draw a number for a merchant and day: the same in every demo of the same market."""
    text = f"{offer.merchant.external_id} {offer.made_on}".encode()
    return int.from_bytes(blake2b(text, digest_size=4).digest(), "big")


def accept_as_merchant(offer: Offer) -> Application:
    """Apply for between half and all of what is offered, over one of the longer terms.

    Raises OfferNotAccepted, MerchantNotScored, Contended.
    """
    drawn = _draw(offer)
    terms = sorted(int(months) for months, most in offer.most_by_months.items() if most)
    months = terms[-1 - drawn // 1_000 % min(3, len(terms))]
    most = offer.most_by_months[str(months)]
    amount = max(offer.minimum_minor, most * (50 + drawn // 10_000 % 51) // 100)
    return accept_offer(
        offer_id=offer.pk,
        amount_minor=amount,
        months=months,
        evidence=SignedTerms(
            signatory=offer.merchant.name,
            signed_at=timezone.now(),
            document_sha256=sha256(f"terms of offer {offer.pk}".encode()).hexdigest(),
            address="192.0.2.1",
        ),
        external_ref=f"demo-{offer.pk}",
        actor=_partner(offer.merchant),
        now=timezone.now(),
    )


def _have_account(merchant: Merchant) -> None:
    """Ensure that the merchant has an account that may be paid to: entered by its partner, verified by the office."""
    if PayoutAccount.objects.verified().filter(merchant=merchant).exists():
        return
    account = enter_payout_account(
        partner_id=merchant.partner_id,
        external_id=merchant.external_id,
        number=f"DEMO{merchant.pk:010}",
        holder=merchant.name,
        actor=_partner(merchant),
        now=timezone.now(),
    )
    verify_payout_account(payout_account_id=account.pk, actor=SYSTEM, now=timezone.now())


def _partner(merchant: Merchant) -> Actor:
    return Actor(ActorKind.PARTNER, merchant.partner_id)
