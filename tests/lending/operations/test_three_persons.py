"""Who verified the payout account, who applied and who decides are three persons."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from lending.admin.words import VERIFIED_THE_ACCOUNT
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.line import DrawRefusal
from lending.domain.origination.offer import AcceptanceRefusal
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Outcome
from lending.models import Application, Offer
from lending.operations.applications import ApplicationNotReviewed, OfferNotAccepted
from lending.operations.lines import NotDrawn
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import verification_act, verify_payout_account
from tests.approvals import SECOND, approved
from tests.conftest import CLERK, EVIDENCE, NOW, VERIFIER, make_user
from tests.forge import forge
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line
from tests.lending.market import accept, make_offers
from tests.lending.operations.test_applications import everything, refer, review

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = Actor(ActorKind.STAFF, 77)
PARTNER = Actor(ActorKind.PARTNER, 1)


def verify_anew(merchant: int, *, verifier: Actor, approver: Actor = SECOND) -> None:
    """Have the account of a merchant verified by others than before."""
    account = PayoutAccount.objects.get(merchant=merchant)
    forge(account, state=PayoutAccountState.PENDING, entered_by=str(PARTNER), verified_by=None, verified_at=None)
    approval = approved(verification_act(account, evidence=EVIDENCE), actor=verifier, by=approver)
    verify_payout_account(payout_account_id=account.pk, evidence=EVIDENCE, actor=verifier, now=NOW, approval=approval)


@pytest.mark.parametrize("who", [OTHER, SECOND])
def test_whoever_verified_the_account_or_approved_that_does_not_apply(who: Actor) -> None:
    """Red at main: one underwriter verified the account, applied and was paid out."""
    make_offers()
    offer = Offer.objects.order_by("-limit_minor", "pk")[0]
    verify_anew(offer.merchant_id, verifier=OTHER)
    before = everything()
    with pytest.raises(OfferNotAccepted) as refused:
        accept(offer, actor=who)
    assert refused.value.reason is AcceptanceRefusal.VERIFIED_THE_ACCOUNT
    assert everything() == before
    assert accept(offer, actor=CLERK).state == ApplicationState.APPROVED


@pytest.mark.parametrize("who", [OTHER, SECOND])
def test_whoever_verified_the_account_or_approved_that_does_not_draw(who: Actor) -> None:
    make_offers_of_both_kinds()
    line = open_line(offered_lines()[0])
    verify_anew(line.merchant_id, verifier=OTHER)
    with pytest.raises(NotDrawn) as refused:
        draw(line, 2_000, actor=who)
    assert refused.value.reason is DrawRefusal.VERIFIED_THE_ACCOUNT
    assert draw(line, 2_000, actor=PARTNER).state == ApplicationState.APPROVED


DECIDERS: dict[ReviewRefusal, Callable[[Application], Application]] = {
    ReviewRefusal.SAME_PERSON: lambda application: review(application, actor=CLERK),
    ReviewRefusal.VERIFIED_THE_ACCOUNT: lambda application: review(application, actor=VERIFIER),
}


@pytest.mark.parametrize("refusal", DECIDERS)
def test_who_applied_and_who_verified_the_account_do_not_decide(refusal: ReviewRefusal) -> None:
    application = refer()
    with pytest.raises(ApplicationNotReviewed) as refused:
        DECIDERS[refusal](application)
    assert refused.value.reason is refusal
    assert review(application).state == ApplicationState.APPROVED


@pytest.mark.parametrize("who", ["verifier", "approver"])
def test_who_applied_first_and_verified_the_account_afterwards_is_declined(who: str) -> None:
    """Red if only the order of the day is refused: the same two acts, the other way round."""
    application = refer()
    verifier, approver = (CLERK, SECOND) if who == "verifier" else (OTHER, CLERK)
    verify_anew(application.merchant_id, verifier=verifier, approver=approver)
    with pytest.raises(ApplicationNotReviewed) as refused:
        review(application)
    assert refused.value.reason is ReviewRefusal.APPLICANT_VERIFIED_THE_ACCOUNT
    assert review(application, outcome=Outcome.DECLINE).state == ApplicationState.DECLINED


def test_the_office_says_so_before_anything_is_entered(client: Client) -> None:
    make_offers_of_both_kinds()
    line = open_line(offered_lines()[0])
    user = make_user("underwriter", Role.UNDERWRITER)
    for account in PayoutAccount.objects.all():
        forge(account, entered_by=str(PARTNER), verified_by=f"staff:{user.pk}")
    client.force_login(user)
    offer = Offer.objects.open()[0]
    pages = [
        reverse("admin:lending_offer_apply", args=[offer.pk]),
        reverse("admin:lending_line_draw", args=[line.pk]),
    ]
    for page in pages:
        assertContains(client.get(page), escape(VERIFIED_THE_ACCOUNT))
