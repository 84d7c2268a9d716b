"""Another partner's ids are as good as none: tried on every address that the URL map knows, with every method."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, get_resolver

from config.office.actors import Actor, ActorKind
from lending.gateways.registry import PLATFORM
from lending.models import Loan, Transfer
from merchants.models import Batch, Partner, PayoutAccount
from merchants.operations.payout_accounts import enter_payout_account
from tests.conftest import NOW
from tests.lending.api.calls import EVIDENCE, decide, everything, open_offer, yuan
from tests.lending.lines import make_line
from tests.lending.loans import OPENED, lent
from tests.markets import make_partner, receive, sale
from tests.merchants.contact_details import make_detail
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Fit for each address that takes a body: nothing is refused for its form. A new one turns the test red.
BODIES: dict[str, Any] = {
    "payout-account": {"number": "GB82WEST12345698765432", "holder": "Blue Kiln"},
    "payout-account-withdraw": {},
    "contact-details": {"kind": "EMAIL", "value": "a@kiln.example", "language": "en"},
    "contact-detail-retire": {},
    "offer-quote": {"amount": yuan("1000"), "months": 6},
    "offer-accept": {"amount": yuan("1000"), "months": 6, "external_ref": "a1", "evidence": EVIDENCE},
    "offer-decline": {},
    "offer-delivered": {},
    "loan-bounce": {"on": "2026-03-01"},
    "line-quote": {"amount": yuan("1000"), "months": 6},
    "line-draws": {"amount": yuan("1000"), "months": 6, "external_ref": "d1", "evidence": EVIDENCE},
    "collection-result": {"amount": yuan("0")},
    "loan-repayments": {"amount": yuan("1"), "on": "2026-03-01", "external_ref": "p1"},
}
# Lists that may be asked for one merchant.
FILTERED = ("offers", "lines", "loans")


@dataclass(frozen=True)
class Address:
    name: str
    path: str
    parameters: tuple[str, ...]
    view: object

    def has(self, method: str) -> bool:
        return hasattr(self.view, method.lower())

    def call(self, api: Api, method: str) -> Any:  # noqa: ANN401
        body = json.dumps(BODIES[self.name]) if method != "GET" and self.has(method) and self.parameters else "{}"
        headers = api.headers | {"Idempotency-Key": f"{method} {self.name}"}
        sent = ("", "") if method == "GET" else (body, "application/json")
        return api.client.generic(method, f"/api/v1/{self.path}", *sent, headers=headers)


def addresses(ids: dict[str, str]) -> Iterator[Address]:
    """Give every address, with each of its parameters filled in; one that is not known turns the test red."""
    for found in get_resolver().url_patterns:
        if str(found.pattern) != "api/v1/" or isinstance(found, URLPattern):
            continue
        for pattern in found.url_patterns:
            assert isinstance(pattern, URLPattern)
            parameters = tuple(pattern.pattern.converters)
            path = str(pattern.pattern)
            for name in parameters:
                converter = path[: path.index(f":{name}>")].rpartition("<")[2]
                path = path.replace(f"<{converter}:{name}>", ids[name])
            yield Address(str(pattern.name), path, parameters, getattr(pattern.callback, "view_class", None))


def make_pending(loan: Loan) -> PayoutAccount:
    return enter_payout_account(
        partner_id=loan.merchant.partner_id,
        external_id=loan.merchant.external_id,
        number="DE89370400440532013000",
        holder=loan.merchant.name,
        actor=Actor(ActorKind.PARTNER, loan.merchant.partner_id),
        now=NOW,
    )


def ids_of(loan: Loan, batch: Batch) -> dict[str, str]:
    return {
        "external_id": loan.merchant.external_id,
        "number": f"batch_{batch.number}",
        "contact_detail_id": f"contact_detail_{make_detail(loan.merchant).pk}",
        "payout_account_id": f"payout_account_{make_pending(loan).pk}",
        "offer_id": f"offer_{open_offer(loan).pk}",
        "application_id": f"application_{loan.application_id}",
        "line_id": f"line_{make_line(loan).pk}",
        "loan_id": f"loan_{loan.pk}",
        "seq": "2",
        "key": str(make_collection(loan).key),
    }


def make_collection(loan: Loan) -> Transfer:
    """Ask the loan's platform to withhold something."""
    asked = {"kind": "COLLECTION", "state": "PENDING", "gateway": PLATFORM, "on": OPENED, "amount_minor": 100}
    return Transfer.objects.create(loan=loan, key=uuid4(), made_at=NOW, sent_at=NOW, answer="", **asked)


def test_a_stranger_finds_nothing_and_changes_nothing() -> None:
    """Red for an address that does not look its id up among the caller's own."""
    loan = decide(lent())
    owner, stranger = loan.merchant.partner, make_partner("stranger")
    batch = receive(owner, [sale("1", loan.merchant.external_id)])
    known = [address for address in addresses(ids_of(loan, batch)) if address.parameters]
    mine, theirs = Api(token_for(owner)), Api(token_for(stranger))
    before = everything()
    for address in known:
        for method in METHODS:
            reply = address.call(theirs, method)
            expected = (404, "not_found") if address.has(method) else (405, "method_not_allowed")
            assert (reply.status_code, reply.json()["code"]) == expected, (method, address.path)
    for name in FILTERED:
        assert theirs.get(f"{name}?merchant={loan.merchant.external_id}")[1]["code"] == "not_found"
        assert theirs.get(name)[1][name] == []
    assert everything() == before
    assert {address.name for address in known} >= {"loan-repayments", "offer-accept", "batch", "merchant-score"}
    # The ids are real: whoever owns them gets on with every one of these calls.
    for address in known:
        for method in METHODS:
            if address.has(method):
                reply = address.call(mine, method)
                assert reply.json().get("code") != "not_found", (method, address.path)


@pytest.mark.parametrize("token", [None, "nonsense", "x" * 5_000])
def test_nobody_comes_in_without_a_token(token: str | None) -> None:
    loan = lent()
    known = list(addresses(ids_of(loan, receive(loan.merchant.partner, [sale("1")]))))
    before = everything()
    for address in known:
        for method in METHODS:
            reply = address.call(Api(token), method)
            assert reply.status_code == 401
            assert reply.headers["Content-Type"] == "application/problem+json"
    assert everything() == before


def test_a_token_does_what_its_scopes_say() -> None:
    loan = lent()
    known = list(addresses(ids_of(loan, receive(loan.merchant.partner, [sale("1")]))))
    api = Api(token_for(Partner.objects.get(), ""))
    before = everything()
    for address in known:
        for method in METHODS:
            if address.has(method):
                reply = address.call(api, method)
                assert (reply.status_code, reply.json()["code"]) == (403, "permission_denied"), address.path
    assert everything() == before


def test_reading_is_not_writing() -> None:
    loan = lent()
    known = addresses(ids_of(loan, receive(loan.merchant.partner, [sale("1")])))
    api = Api(token_for(loan.merchant.partner, "offers:read loans:read"))
    writing = {"offer-accept", "offer-decline", "offer-delivered", "line-draws", "loan-repayments"}
    refused = {address.name for address in known if address.call(api, "POST").status_code == 403}
    assert writing <= refused


@pytest.mark.parametrize("path", ["offers/offer_0", "offers/1", "loans/offer_1", "nonsense", "offers/offer_1/"])
@pytest.mark.parametrize("method", METHODS)
def test_an_address_that_is_not_there_is_a_problem(path: str, method: str) -> None:
    reply = Api(None).client.generic(method, f"/api/v1/{path}", "{}", "application/json")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
    assert reply.headers["Content-Type"] == "application/problem+json"
