"""Make a scored market with offers: small shops, so a product whose least amount is small."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from config.office.actors import SYSTEM, Actor
from config.office.business_date import open_day
from lending.domain.origination.offer import SignedTerms, read_choices
from lending.domain.origination.product_document import DAY_ONE_PRODUCT
from lending.models import Application, Offer, OfferRound, ProductVersion
from lending.operations.applications import accept_offer
from lending.operations.offers import OFFERS, start_round
from lending.operations.products import enter_product
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import Merchant, PayoutAccount
from scoring.models import ScoreRun
from tests.beginnings import begin
from tests.conftest import CLERK, NOW, VERIFIER
from tests.scoring.market import AS_OF, calibrate, make_market, run_once
from tests.stages import do_stages

EVIDENCE = SignedTerms(signatory="The owner", signed_at=NOW, document_sha256="a" * 64, address="192.0.2.1")


def product_text(change: Callable[[dict[str, Any]], object] = lambda _: None) -> str:
    """Write the first product for the test's market: in EUR, from 10 on."""
    document = json.loads(DAY_ONE_PRODUCT.read_text())
    document |= {"currency": "EUR", "minimum": "10"}
    change(document)
    return json.dumps(document)


def sell(change: Callable[[dict[str, Any]], object] = lambda _: None) -> ProductVersion:
    return enter_product(text=product_text(change), actor=SYSTEM, now=NOW)


def publish(merchants: int = 24) -> ScoreRun:
    """Make a market whose scores are live."""

    def make() -> None:
        make_market(merchants)
        calibrate()
        run_once()

    begin(f"a published market of {merchants}", make)
    return ScoreRun.objects.latest("pk")


def verify_accounts() -> None:
    """Give every merchant a verified payout account."""
    for merchant in Merchant.objects.all():
        PayoutAccount.objects.enter(
            merchant=merchant,
            number="GB82WEST12345698765432",
            holder=merchant.name,
            merchant_name=merchant.name,
            state=PayoutAccountState.VERIFIED,
            entered_by=str(CLERK),
            entered_at=NOW,
            verified_by=str(VERIFIER),
            verified_at=NOW,
        )


def make_offers(merchants: int = 16) -> None:
    """Make a market with offers of loans by instalments."""

    def make() -> None:
        publish(merchants)
        sell()
        verify_accounts()
        make_round()

    begin(f"offers in a market of {merchants}", make)


def make_round() -> OfferRound:
    """Make offers from the live run, in this process."""
    found = start_round(actor=SYSTEM, now=NOW)
    do_stages(OFFERS, found.pk)
    return found


def next_run(days: int = 1) -> ScoreRun:
    """Score the market some days later."""
    open_day(on=AS_OF + timedelta(days=days), actor=SYSTEM, now=NOW)
    return run_once()


def accept(offer: Offer, *, amount_minor: int | None = None, actor: Actor = CLERK, **fields: Any) -> Application:  # noqa: ANN401
    """Accept an offer in full, over its longest term."""
    months, most = list(read_choices(offer.most_by_months).items())[-1]
    arguments: dict[str, Any] = {"months": months, "evidence": EVIDENCE, "external_ref": f"ref-{offer.pk}"} | fields
    amount = most if amount_minor is None else amount_minor
    return accept_offer(offer_id=offer.pk, amount_minor=amount, actor=actor, now=NOW, **arguments)
