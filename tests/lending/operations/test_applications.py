from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.loan import LoanStatus
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.offer import AcceptanceRefusal, OfferState
from lending.domain.origination.product import Band
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome
from lending.models import Application, Decision, Loan, Offer, ProductExposure, Transfer
from lending.operations.applications import ApplicationNotReviewed, OfferNotAccepted, review_application
from lending.queries.applications import replay_decision
from merchants.domain.feed import FeedSignal
from merchants.domain.idempotency import RequestKey
from merchants.models import KeptRequest, Merchant, Owner, Partner, PayoutAccount
from merchants.queries.labels import OFFERS_HELD
from scoring.domain.run import RunState
from scoring.models import Score
from tests.conftest import CLERK, NOW, Enqueued
from tests.lending.market import accept, make_offers, make_round, publish, sell, verify_accounts
from tests.lending.office import staff
from tests.race import race
from tests.scoring.market import run_once

pytestmark = pytest.mark.django_db(transaction=True)
REVIEWER = Actor(ActorKind.STAFF, 2)


@pytest.fixture
def offer() -> Offer:
    """Make a market with offers, and give the largest."""
    make_offers()
    return Offer.objects.order_by("-limit_minor", "pk")[0]


def everything() -> list[object]:
    tables = (Application, Decision, Loan, Offer, Transfer, KeptRequest)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def referring(document: dict[str, Any]) -> None:
    """Leave every amount above the least to a person."""
    document["origination"]["refer_above"] = "10"
    document["origination"]["bands"]["UNDERWRITER"] = "40"


def test_what_rests_on_a_red_feed_is_held_until_it_is_as_usual(offer: Offer, client: Client) -> None:
    """Red if an offer could be accepted on a score that misses what happened since, or a round replaced it."""
    Partner.objects.update(feed_signal=FeedSignal.SILENT)
    before = everything()
    with pytest.raises(OfferNotAccepted) as refused:
        accept(offer)
    assert refused.value.reason is ApplicationRefusal.FEED_RED
    rounds = run_once()
    make_round()
    assert everything() == before
    assert rounds.state == RunState.PUBLISHED
    client.force_login(staff(Role.UNDERWRITER))
    for address in (
        reverse("admin:overview"),
        reverse("admin:merchants_merchant_change", args=[offer.merchant_id]),
        reverse("admin:merchants_partner_change", args=[offer.merchant.partner_id]),
    ):
        assertContains(client.get(address), OFFERS_HELD)
    Partner.objects.update(feed_signal="")
    assert accept(offer).state == ApplicationState.APPROVED


def test_an_accepted_offer_becomes_a_loan_whose_money_is_sent_for(offer: Offer, enqueued: Enqueued) -> None:
    enqueued()
    application = accept(offer)
    assert application.state == ApplicationState.APPROVED
    loan = Loan.objects.get(application=application)
    assert (loan.status, loan.amount_minor) == (LoanStatus.APPROVED, application.amount_minor)
    transfer = Transfer.objects.get(loan=loan)
    assert ("lending.pay_out", {"transfer_id": transfer.pk}) in enqueued()
    offer.refresh_from_db()
    assert offer.state == OfferState.ACCEPTED
    decision = Decision.objects.get(application=application)
    assert decision.outcome == Outcome.APPROVE
    assert replay_decision(decision).equal
    assert application.score.run.kind == "SINGLE", "scored afresh"


def test_a_decision_asks_the_database_few_questions(offer: Offer) -> None:
    """Red if something is read twice again, or a query is made in a loop: it was 69 statements."""
    accept(Offer.objects.open().exclude(pk=offer.pk)[0])  # what a process keeps is kept
    with CaptureQueriesContext(connection) as asked:
        assert accept(offer).state == ApplicationState.APPROVED
    assert len(asked) <= 44, "\n".join(query["sql"][:100] for query in asked.captured_queries)


REFUSED: dict[AcceptanceRefusal | ApplicationRefusal, dict[str, Any]] = {
    AcceptanceRefusal.MONTHS_OUT_OF_RANGE: {"months": 13},
    AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: {"amount_minor": 999},
    AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: {"amount_minor": 10**9},
    ApplicationRefusal.REFERENCE_USED: {"external_ref": "known"},
}


def test_what_is_refused_leaves_nothing_but_a_score(offer: Offer) -> None:
    other = Offer.objects.open().exclude(pk=offer.pk)[0]
    accept(other, external_ref="known")
    before = everything()
    for reason, fields in REFUSED.items():
        with pytest.raises(OfferNotAccepted) as refused:
            accept(offer, **fields)
        assert refused.value.reason is reason
    PayoutAccount.objects.filter(merchant=offer.merchant).update(state="WITHDRAWN", closed_by="staff:1", closed_at=NOW)
    with pytest.raises(OfferNotAccepted) as refused:
        accept(offer)
    assert refused.value.reason is AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED
    with pytest.raises(OfferNotAccepted) as refused:
        accept(other, external_ref="another")
    assert refused.value.reason is AcceptanceRefusal.NOT_OPEN
    open_day(on=offer.expires_on, actor=CLERK, now=NOW)
    with pytest.raises(OfferNotAccepted) as refused:
        accept(offer)
    assert refused.value.reason is AcceptanceRefusal.EXPIRED
    assert everything() == before


def test_of_two_who_accept_at_once_one_has_the_loan(offer: Offer) -> None:
    """Red without the exposure's lock: both would see an open offer and the whole limit free."""
    calls = [partial(accept, offer, external_ref=f"r{number}") for number in (1, 2)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=offer.merchant_id))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Application", "OfferNotAccepted"]
    assert Loan.objects.count() == Transfer.objects.count() == Application.objects.count() == 1


def test_merchants_of_one_owner_share_one_limit(offer: Offer) -> None:
    """Red if the lock were the merchant's alone: each would be judged without the other's loan."""
    second = Offer.objects.open().exclude(pk=offer.pk).order_by("-limit_minor")[0]
    owner = Owner.objects.create(partner=offer.merchant.partner, external_ref="o1")
    Merchant.objects.filter(pk__in=[offer.merchant_id, second.merchant_id]).update(owner=owner)
    calls = [partial(accept, one, external_ref=f"r{one.pk}") for one in (offer, second)]
    outcomes = race(*calls, held=Owner.objects.all())
    assert [type(outcome).__name__ for outcome in outcomes] == ["Application"] * 2
    states = sorted(Application.objects.values_list("state", flat=True))
    assert states in (["APPROVED", "DECLINED"], ["DECLINED", "DECLINED"])
    assert Loan.objects.count() <= 1


def test_two_decisions_under_one_room_see_each_other() -> None:
    """Red without the room's lock, or if a loan does not move the sum that is kept: both would fit."""
    publish(16)
    sell(lambda document: document["limits"].update(portfolio_room="30"))
    verify_accounts()
    make_round()
    first, second = Offer.objects.filter(limit_minor=3_000).order_by("pk")[:2]
    calls = [partial(accept, one, external_ref=f"r{one.pk}") for one in (first, second)]
    outcomes = race(*calls, held=Merchant.objects.all())
    assert [type(outcome).__name__ for outcome in outcomes] == ["Application"] * 2
    assert sorted(Application.objects.values_list("state", flat=True)) == ["APPROVED", "DECLINED"]
    loan = Loan.objects.get()
    [kept] = ProductExposure.objects.all()
    assert (kept.code, kept.category, kept.minor) == (loan.product.code, loan.merchant.category, 3_000)
    assert (kept.status, kept.loans) == ("APPROVED", 1)


def test_the_same_request_twice_is_one_application_scored_once(offer: Offer) -> None:
    key = RequestKey(partner_id=offer.merchant.partner_id, key="k1", digest="a" * 64)
    first = accept(offer, key=key)
    before, scores = everything(), Score.objects.count()
    assert accept(offer, key=key) == first
    assert (everything(), Score.objects.count()) == (before, scores)


def refer() -> Application:
    """Apply for what a person has to decide."""
    publish(16)
    sell(referring)
    verify_accounts()
    make_round()
    application = accept(Offer.objects.order_by("-limit_minor", "pk")[0])
    assert application.state == ApplicationState.REFERRED
    assert Decision.objects.get().ground == Ground.LARGE_AMOUNT
    assert not Loan.objects.exists()
    return application


def review(application: Application, **fields: Any) -> Application:  # noqa: ANN401
    arguments: dict[str, Any] = {
        "outcome": Outcome.APPROVE,
        "reason": "known for years",
        "band": Band.RISK_MANAGER,
        "actor": REVIEWER,
    } | fields
    return review_application(application_id=application.pk, now=NOW, **arguments)


def test_a_person_decides_what_the_rules_leave_to_one() -> None:
    application = refer()
    refused: list[tuple[ReviewRefusal, dict[str, Any]]] = [
        (ReviewRefusal.SAME_PERSON, {"actor": CLERK}),
        (ReviewRefusal.NO_BAND, {"band": None}),
        (ReviewRefusal.ABOVE_BAND, {"band": Band.UNDERWRITER}),
        (ReviewRefusal.REASON_MISSING, {"reason": " "}),
    ]
    before = everything()
    for reason, fields in refused:
        with pytest.raises(ApplicationNotReviewed) as found:
            review(application, **fields)
        assert found.value.reason is reason
    assert everything() == before
    assert review(application).state == ApplicationState.APPROVED
    loan = Loan.objects.get()
    assert Transfer.objects.get(loan=loan).state == "DUE"
    last = Decision.objects.order_by("-pk")[0]
    assert (last.actor, last.reason, last.outcome) == ("staff:2", "known for years", "APPROVE")
    assert replay_decision(last).equal
    with pytest.raises(ApplicationNotReviewed) as found:
        review(application)
    assert found.value.reason is ReviewRefusal.NOT_REFERRED
    event = OperationEvent.objects.get(name="lending.review_application")
    assert (event.amount_minor, event.currency) == (application.amount_minor, application.currency)


def test_nobody_approves_what_the_rules_decline_by_now() -> None:
    """Red if an approval days later did not judge afresh: the merchant may be past due by then."""
    application = refer()
    owner = Owner.objects.create(partner=application.partner, external_ref="o")
    Merchant.objects.filter(pk=application.merchant_id).update(owner=owner)
    sibling = Offer.objects.open()[0]
    Merchant.objects.filter(pk=sibling.merchant_id).update(owner=owner)
    Offer.objects.filter(pk=sibling.pk).update(limit_minor=10**9)
    with pytest.raises(ApplicationNotReviewed) as found:
        review(application)
    assert found.value.reason in {Ground.LIMIT_BELOW_MINIMUM, Ground.AMOUNT_ABOVE_LIMIT, Ground.NO_ROOM_LEFT}
    assert not Loan.objects.exists()
    assert review(application, outcome=Outcome.DECLINE).state == ApplicationState.DECLINED


def test_of_two_who_approve_at_once_one_makes_the_loan() -> None:
    """Red without the application's lock: two loans, and twice the money."""
    application = refer()
    outcomes = race(partial(review, application), partial(review, application), held=Merchant.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Application", "ApplicationNotReviewed"]
    assert Loan.objects.count() == Transfer.objects.count() == 1
