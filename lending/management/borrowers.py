"""Act for the merchants of a demo: some accept what they are offered, some days later; they use their lines."""

from contextlib import suppress
from datetime import date
from hashlib import blake2b, sha256

from django.utils import timezone

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.business_date import get_business_date
from lending.domain.origination.offer import SignedTerms, read_choices
from lending.models import Application, Line, Loan, Offer
from lending.operations.applications import OfferNotAccepted, accept_offer
from lending.operations.lines import NotDrawn, draw_on_line
from lending.operations.loans import EventNotBooked, book_repayment
from lending.queries.lines import with_standings
from lending.queries.loans import projection_of
from merchants.domain.contact_detail import DetailKind, Language
from merchants.models import Merchant, PayoutAccount
from merchants.operations.contact_details import enter_detail
from merchants.operations.payout_accounts import enter_payout_account, verify_payout_account

WILLING_PERCENT = 30
DAYS_TO_DECIDE = 7
DRAWING_PERCENT = 25
REPAYING_PERCENT = 20


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
    """Draw a number for an offer: the same in every demo of the same market."""
    return number_of(f"{offer.merchant.external_id} {offer.kind} {offer.made_on}")


def number_of(text: str) -> int:
    """Draw a number for a text: the same in every demo of the same market."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def accept_as_merchant(offer: Offer) -> Application:
    """Apply for between half and all of what is offered, over one of the longer terms where there are some.

    Raises OfferNotAccepted, MerchantNotScored, Contended.
    """
    drawn = _draw(offer)
    terms = [(months, most) for months, most in read_choices(offer.most_by_months).items() if most]
    months, most = terms[-1 - drawn // 1_000 % min(3, len(terms))]
    amount = max(offer.minimum_minor, most * (50 + drawn // 10_000 % 51) // 100)
    return accept_offer(
        offer_id=offer.pk,
        amount_minor=amount,
        months=months,
        evidence=_signed(offer.merchant, f"terms of offer {offer.pk}"),
        external_ref=f"demo-{offer.pk}",
        actor=_partner(offer.merchant),
        now=timezone.now(),
    )


def use_lines() -> int:
    """Draw on lines, and repay some of what was drawn before; return how many draws were asked for.

    Who does, when and how much depends on the line and the day alone: a demo that is interrupted continues alike.
    """
    today, asked = get_business_date(), 0
    lines = Line.objects.open().select_related("merchant", "product").order_by("pk")
    for standing in with_standings(list(lines)) if today is not None else ():
        line, drawable = standing.line, standing.drawable
        drawn = number_of(f"{line.merchant.external_id} line {today}")
        if drawn % 100 < REPAYING_PERCENT and today is not None:
            _repay_some(line, on=today)
        if standing.refusal is not None or drawn // 100 % 100 >= DRAWING_PERCENT:
            continue
        choices = list(drawable.choices)
        try:
            draw_on_line(
                line_id=line.pk,
                amount_minor=max(
                    drawable.minimum_minor, drawable.facts.free_minor * (20 + drawn // 10_000 % 41) // 100
                ),
                months=choices[drawn // 1_000_000 % len(choices)],
                evidence=_signed(line.merchant, f"draw on line {line.pk} of {today}"),
                external_ref=f"demo-draw-{line.pk}-{today}",
                actor=_partner(line.merchant),
                now=timezone.now(),
            )
        except NotDrawn:
            continue  # it was drawn before the demo was interrupted
        asked += 1
    return asked


def _repay_some(line: Line, *, on: date) -> None:
    """Repay the oldest draw that is not repaid, all or half of it."""
    loan = Loan.objects.active().filter(line=line, disbursed_on__lt=on).order_by("pk").first()
    if loan is None:
        return
    owed = projection_of(loan, as_of=on).payoff_minor
    with suppress(EventNotBooked):  # it was booked before the demo was interrupted
        book_repayment(
            loan_id=loan.pk,
            amount_minor=owed if loan.pk % 2 else max(1, owed // 2),
            on=on,
            external_ref=f"demo-repaid-{loan.pk}-{on}",
            actor=_partner(line.merchant),
            now=timezone.now(),
        )


def _signed(merchant: Merchant, terms: str) -> SignedTerms:
    return SignedTerms(
        signatory=merchant.name,
        signed_at=timezone.now(),
        document_sha256=sha256(terms.encode()).hexdigest(),
        address="192.0.2.1",
    )


def _have_account(merchant: Merchant) -> None:
    """Ensure that the merchant has an account that may be paid to: entered by its partner, verified by the office."""
    if PayoutAccount.objects.verified().filter(merchant=merchant).exists():
        return
    _have_address(merchant)
    account = enter_payout_account(
        partner_id=merchant.partner_id,
        external_id=merchant.external_id,
        number=f"DEMO{merchant.pk:012}",  # of no known form, in any currency
        holder=merchant.name,
        actor=_partner(merchant),
        now=timezone.now(),
    )
    verify_payout_account(payout_account_id=account.pk, actor=SYSTEM, now=timezone.now())


def _have_address(merchant: Merchant) -> None:
    """Enter an e-mail address, but for one merchant in eight: collectors have to ask for it."""
    drawn = number_of(f"{merchant.external_id} address")
    if drawn % 8:
        enter_detail(
            merchant_id=merchant.pk,
            kind=DetailKind.EMAIL,
            text=f"shop-{merchant.pk}@shops.example",
            language=Language.ZH if drawn // 8 % 2 else Language.EN,
            actor=_partner(merchant),
            now=timezone.now(),
        )


def _partner(merchant: Merchant) -> Actor:
    return Actor(ActorKind.PARTNER, merchant.partner_id)
