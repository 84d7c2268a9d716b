"""Accept over the API: in one market, as making one takes longer than everything that is asked of it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.api.words import BY_PERSON, REVIEW
from lending.domain.books.transfer import TransferState
from lending.domain.origination.application import ApplicationRefusal
from lending.domain.origination.offer import AcceptanceRefusal, OfferState
from lending.domain.origination.product import Band
from lending.domain.origination.rules import Outcome
from lending.models import Application, Loan, Offer, Transfer
from lending.operations.applications import review_application
from merchants.models import KeptRequest, Merchant, Partner, PayoutAccount
from tests.conftest import CLERK, NOW, Enqueued
from tests.lending.api.calls import EVIDENCE, euros, everything, open_offer, post, yuan
from tests.lending.market import make_offers, sell
from tests.partners import Api, token_for
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Api:
    """Make a market with offers, and its partner's client."""
    make_offers(24)
    return Api(token_for(Partner.objects.get()))


def largest(number: int = 0) -> Offer:
    return Offer.objects.open().order_by("-limit_minor")[number]


def wish(offer: Offer, *, ref: str = "a1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    months = max(map(int, offer.most_by_months))
    amount = euros(f"{offer.most_by_months[str(months)] / 100:.2f}")
    return {"amount": amount, "months": months, "external_ref": ref, "evidence": EVIDENCE} | fields


def accept(api: Api, offer: Offer, body: object, key: str = "key-1") -> tuple[int, Any]:
    return post(api, f"offers/offer_{offer.pk}/accept", body, key=key)


def test_an_accepted_offer_is_decided_in_the_reply(api: Api, enqueued: Enqueued) -> None:
    offer = largest()
    enqueued()
    body = wish(offer)
    status, said = first = accept(api, offer, body)
    application, loan = Application.objects.get(), Loan.objects.get()
    assert (status, said) == (
        201,
        {
            "id": f"application_{application.pk}",
            "offer": f"offer_{offer.pk}",
            "merchant": offer.merchant.external_id,
            "external_ref": "a1",
            "amount": body["amount"],
            "months": body["months"],
            "applied_on": "2026-03-01",
            "outcome": "approved",
            "ground": None,
            "decided_at": said["decided_at"],
            "line": None,
            "loan": f"loan_{loan.pk}",
            "payout": "waiting",
        },
    )
    transfer = Transfer.objects.get()
    assert enqueued() == [("lending.pay_out", {"transfer_id": transfer.pk})]
    assert application.entered_by == f"partner:{application.partner_id}"
    assert (application.signed_from, application.signed_at.isoformat()) == ("192.0.2.1", "2026-03-01T01:30:00+00:00")
    assert api.get(f"applications/{said['id']}") == (200, said)

    before = everything()
    assert accept(api, offer, body) == first, "sent again, it is answered, not done"
    status, problem = accept(api, offer, body | {"months": 1})
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = accept(api, offer, body, key="key-2")
    assert (status, problem["code"]) == (409, "reference_used")
    status, problem = accept(api, offer, body | {"external_ref": "a2"}, key="key-2")
    assert (status, problem["code"]) == (409, "offer_not_open")
    assert enqueued() == []
    assert everything() == before
    assert said["merchant"] not in {one["merchant"] for one in api.get("offers")[1]["offers"]}
    assert api.get(f"offers/offer_{offer.pk}")[1]["state"] == "accepted"

    Transfer.objects.update(state=TransferState.FAILED, settled_at=NOW)
    assert api.get(f"applications/{said['id']}")[1]["payout"] == "failed"


def test_what_a_person_decides_is_told_without_why(api: Api) -> None:
    careful = sell(lambda product: product["origination"].update(refer_above="1") or product.update(version=3))
    flagged, large = largest(0), largest(1)
    Offer.objects.filter(pk__in=[flagged.pk, large.pk]).update(product=careful)
    status, said = accept(api, large, wish(large))
    assert (status, said["outcome"], said["loan"], said["payout"], said["decided_at"]) == (
        201,
        "referred",
        None,
        None,
        None,
    )
    assert said["ground"] == {"code": REVIEW[0], "words": REVIEW[1]}
    review_application(
        application_id=Application.objects.get().pk,
        outcome=Outcome.DECLINE,
        reason="brushing, says the analyst",
        band=Band.RISK_MANAGER,
        actor=CLERK,
        now=NOW,
    )
    _, told = api.get(f"applications/{said['id']}")
    assert (told["outcome"], told["ground"]) == ("declined", {"code": BY_PERSON[0], "words": BY_PERSON[1]})
    assert "brushing" not in str(told)

    strict = sell(lambda product: product.update(minimum="10000", version=4))
    Offer.objects.filter(pk=flagged.pk).update(product=strict)
    status, said = accept(api, flagged, wish(flagged, ref="a2"), key="key-2")
    assert (status, said["outcome"], said["loan"]) == (201, "declined", None)
    assert said["ground"]["code"] in {"limit_below_minimum", "raise_pending", "no_room_left"}
    assert not Loan.objects.exists()


def test_what_is_refused_leaves_nothing_but_a_fresh_score(api: Api, enqueued: Enqueued) -> None:
    offer, other = largest(0), largest(1)
    short = offer.most_by_months | {"1": 1_000}
    Offer.objects.filter(pk=offer.pk).update(most_by_months=short)
    above = euros(f"{max(short.values()) / 100 + 1:.2f}")
    refused: dict[AcceptanceRefusal | ApplicationRefusal, tuple[dict[str, Any], int, str]] = {
        AcceptanceRefusal.MONTHS_OUT_OF_RANGE: (wish(offer, months=36), 422, "months_out_of_range"),
        AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: (wish(offer, amount=euros("9.99")), 422, "amount_below_minimum"),
        AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: (wish(offer, amount=above), 422, "amount_above_limit"),
        AcceptanceRefusal.INSTALMENTS_TOO_LARGE: (
            wish(offer, amount=euros("10.01"), months=1),
            422,
            "instalments_too_large",
        ),
        AcceptanceRefusal.EVIDENCE_MALFORMED: (
            wish(offer, evidence=EVIDENCE | {"document_sha256": "A" * 64}),
            422,
            "evidence_malformed",
        ),
        ApplicationRefusal.REFERENCE_USED: (wish(offer, ref="known"), 409, "reference_used"),
        AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: (wish(offer), 409, "payout_account_not_verified"),
        AcceptanceRefusal.NOT_OPEN: (wish(offer), 409, "offer_not_open"),
        AcceptanceRefusal.EXPIRED: (wish(offer), 409, "offer_expired"),
    }
    assert accept(api, other, wish(other, ref="known"), key="key-0")[0] == 201
    for number, (reason, (body, status, code)) in enumerate(refused.items(), start=1):
        if reason is AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED:
            PayoutAccount.objects.filter(merchant=offer.merchant).update(
                state="WITHDRAWN", closed_by="staff:1", closed_at=NOW
            )
        if reason is AcceptanceRefusal.NOT_OPEN:
            Offer.objects.filter(pk=offer.pk).update(state=OfferState.DECLINED, closed_at=NOW)
        if reason is AcceptanceRefusal.EXPIRED:
            Offer.objects.filter(pk=offer.pk).update(state=OfferState.MADE, closed_at=None)
            open_day(on=offer.expires_on + timedelta(days=1), actor=SYSTEM, now=NOW)
        enqueued()
        before = everything()
        found, problem = accept(api, offer, body, key=f"key-{number}")
        assert (found, problem["code"]) == (status, code), reason
        assert everything() == before, reason
        assert enqueued() == []


def test_doubled_at_once_one_application_is_made(api: Api) -> None:
    """Red without the key: the second would be told that its own reference is used."""
    offer = largest()
    token = api.headers["Authorization"].removeprefix("Bearer ")
    calls = [partial(_accept, token, offer, wish(offer)) for _ in range(2)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=offer.merchant_id))
    replies = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    assert len(replies) == 2
    done = [said for status, said in replies if status == 201]
    assert done
    assert {said["id"] for said in done} == {f"application_{Application.objects.get().pk}"}
    assert all(status == 201 or said["code"] == "request_running" for status, said in replies)
    assert Loan.objects.count() == Transfer.objects.count() == KeptRequest.objects.count() == 1
    assert _accept(token, offer, wish(offer))[1] == done[0]


def test_of_two_that_accept_one_offer_at_once_one_does(api: Api) -> None:
    offer = largest()
    token = api.headers["Authorization"].removeprefix("Bearer ")
    calls = [partial(_accept, token, offer, wish(offer, ref=f"a{number}"), f"key-{number}") for number in range(2)]
    outcomes = race(*calls, held=Merchant.objects.filter(pk=offer.merchant_id))
    replies = sorted((outcome[0], outcome[1].get("code")) for outcome in outcomes if isinstance(outcome, tuple))
    assert replies == [(201, None), (409, "offer_not_open")]
    assert Application.objects.count() == Loan.objects.count() == Transfer.objects.count() == 1


def _accept(token: str, offer: Offer, body: object, key: str = "key-1") -> tuple[int, Any]:
    return accept(Api(token), offer, body, key=key)


def by_hand(ref: str = "a1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"amount": yuan("1000"), "months": 6, "external_ref": ref, "evidence": EVIDENCE} | fields


UNFIT: list[tuple[Any, str]] = [
    ("text", "non_field_errors"),
    (by_hand(colour="blue"), "colour"),
    (by_hand(external_ref=""), "external_ref"),
    (by_hand(evidence=None), "evidence"),
    (by_hand(evidence={}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"colour": "blue"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signatory": 7}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signatory": "\x00"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"address": "the shop"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"address": 7}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signed_at": "2026-03-01T09:30:00"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signed_at": "2026-03-01"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signed_at": 1772323200}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signed_at": "0001-01-01T00:00:00+23:59"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"signed_at": "9999-12-31T23:59:59-23:59"}), "evidence"),
    (by_hand(evidence=EVIDENCE | {"document_sha256": "a" * 101}), "evidence"),
]


@pytest.mark.parametrize(("body", "field"), UNFIT, ids=lambda value: ascii(value)[:60])
def test_a_body_that_is_not_fit_is_refused_in_words(body: object, field: str) -> None:
    offer = open_offer()
    unscored = Api(token_for(Partner.objects.get()))
    before = everything()
    status, problem = accept(unscored, offer, body)
    assert (status, problem["code"], list(problem["fields"])) == (400, "invalid", [field])
    assert everything() == before


def test_without_published_scores_nothing_is_decided() -> None:
    offer = open_offer()
    unscored = Api(token_for(Partner.objects.get()))
    before = everything()
    status, problem = accept(unscored, offer, by_hand())
    assert (status, problem["code"]) == (503, "nothing_published")
    status, problem = post(unscored, f"offers/offer_{offer.pk}/accept", by_hand(), key=None)
    assert (status, problem["code"]) == (400, "idempotency_key_missing")
    assert everything() == before
