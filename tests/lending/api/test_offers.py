from datetime import date
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.api.words import NO_OFFER_YET
from lending.domain.contract.schedule import draw_schedule
from lending.domain.origination.offer import AcceptanceRefusal
from lending.domain.origination.product import terms_of
from lending.models import Offer
from lending.queries.products import product_of
from merchants.models import Merchant, Partner
from scoring.domain.calibration import Grade
from tests.conftest import NOW, owner_connection
from tests.lending.api.calls import everything, open_offer, post, yuan
from tests.lending.loans import application_of, make_loan
from tests.lending.market import make_round, publish, sell
from tests.markets import make_merchants
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


def caller() -> Api:
    return Api(token_for(Partner.objects.get()))


def test_each_merchant_has_its_offer_or_the_reason_and_the_next_threshold() -> None:
    publish()
    sell()
    make_round()
    partner = Partner.objects.get()
    make_merchants(partner, "late")
    api, seen = caller(), set[str]()
    _, page = api.get("offers")
    assert page["next_after"] is None
    assert [offer["merchant"] for offer in page["offers"]] == list(
        Offer.objects.order_by("pk").values_list("merchant__external_id", flat=True)
    )
    for merchant in Merchant.objects.exclude(external_id="late"):
        status, said = api.get(f"merchants/{merchant.external_id}/offer")
        assert status == 200
        assert (said["offer"] is None) != (said["no_offer"] is None)
        if said["offer"] is not None:
            assert api.get(f"offers?merchant={merchant.external_id}")[1]["offers"] == [said["offer"]]
            assert api.get(f"offers/{said['offer']['id']}") == (200, said["offer"])
        else:
            assert said["no_offer"]["words"].startswith(("You", "A score", "Too many", "What", "Nothing"))
            seen.add(said["no_offer"]["code"])
    assert seen
    assert "no_offer_yet" not in seen
    assert api.get("merchants/late/offer")[1] == {
        "offer": None,
        "no_offer": {"code": NO_OFFER_YET[0], "words": NO_OFFER_YET[1], "threshold": None},
    }
    assert api.get("merchants/nobody/offer")[1]["code"] == "not_found"


def test_an_offer_says_what_may_be_chosen() -> None:
    offer = open_offer()
    Offer.objects.filter(pk=offer.pk).update(most_by_months={"1": 0, "2": 100_000, "12": 50_000_000, "3": 200_000})
    status, said = caller().get(f"offers/offer_{offer.pk}")
    assert (status, said) == (
        200,
        {
            "id": f"offer_{offer.pk}",
            "merchant": offer.merchant.external_id,
            "kind": "term",
            "state": "made",
            "grade": "B1",
            "minimum": yuan("1000.00"),
            "limit": yuan("500000.00"),
            "daily_rate": "0.0004",
            "terms": [
                {"months": 2, "most": yuan("1000.00")},
                {"months": 3, "most": yuan("2000.00")},
                {"months": 12, "most": yuan("500000.00")},
            ],
            "made_on": "2026-03-01",
            "expires_on": "2026-03-31",
        },
    )


@pytest.mark.parametrize("offers", [1, 3])
def test_a_list_takes_as_many_queries_for_one_as_for_three(
    offers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(offers):
        open_offer()
    api = caller()
    with django_assert_num_queries(3):
        _, page = api.get("offers")
    assert len(page["offers"]) == offers


def test_the_list_comes_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lending.api.offers.A_PAGE", 2)
    made = [f"offer_{open_offer().pk}" for _ in range(3)]
    api = caller()
    _, first = api.get("offers")
    _, second = api.get(f"offers?after={first['next_after']}")
    assert [offer["id"] for offer in first["offers"] + second["offers"]] == made
    assert second["next_after"] is None
    for after in ("x", "offer_0", "loan_1", "offer_" + "9" * 30, "-1"):
        status, problem = api.get(f"offers?after={after}")
        assert (status, problem["code"], list(problem["fields"])) == (400, "invalid", ["after"])
    assert api.get("offers?merchant=nobody")[0] == 404


def test_a_quote_is_the_loan_that_accepting_would_make() -> None:
    offer = open_offer()
    open_day(on=date(2026, 3, 9), actor=SYSTEM, now=NOW)
    api = caller()
    before = everything()
    status, quoted = post(api, f"offers/offer_{offer.pk}/quote", {"amount": yuan("12000"), "months": 6}, key=None)
    terms = terms_of(product_of(offer.product), grade=Grade(offer.grade), principal_minor=1_200_000, months=6)
    drawn = draw_schedule(terms, on=date(2026, 3, 9))
    assert (status, quoted["disbursed_on"]) == (200, "2026-03-09")
    assert [(row["due"], row["total"]["amount"]) for row in quoted["schedule"]] == [
        (row.due.isoformat(), f"{row.total_minor / 100:.2f}") for row in drawn
    ]
    interest = sum(row.interest_minor for row in drawn)
    assert quoted["total_interest"] == quoted["total_cost"] == yuan(f"{interest / 100:.2f}")
    apr = 1 + float(quoted["apr"]) / 100
    paid = sum(row.total_minor / apr ** (row.no / 12) for row in drawn)
    assert abs(paid - 1_200_000) < 100, "discounted by the effective rate, what is repaid is what was lent"
    assert everything() == before


QUOTES: dict[AcceptanceRefusal, tuple[str, int, int, str]] = {
    AcceptanceRefusal.NOT_OPEN: ("12000", 6, 409, "offer_not_open"),
    AcceptanceRefusal.EXPIRED: ("12000", 6, 409, "offer_expired"),
    AcceptanceRefusal.MONTHS_OUT_OF_RANGE: ("12000", 13, 422, "months_out_of_range"),
    AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: ("999.99", 6, 422, "amount_below_minimum"),
    AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: ("500000.01", 6, 422, "amount_above_limit"),
    AcceptanceRefusal.INSTALMENTS_TOO_LARGE: ("2000.01", 3, 422, "instalments_too_large"),
}


@pytest.mark.parametrize("reason", QUOTES, ids=str)
def test_what_may_not_be_accepted_is_not_quoted(reason: AcceptanceRefusal) -> None:
    amount, months, status, code = QUOTES[reason]
    offer = open_offer()
    Offer.objects.filter(pk=offer.pk).update(most_by_months=offer.most_by_months | {"3": 200_000})
    if reason is AcceptanceRefusal.NOT_OPEN:
        offer = application_of(make_loan()).offer
    if reason is AcceptanceRefusal.EXPIRED:
        open_day(on=offer.expires_on, actor=SYSTEM, now=NOW)
    path = f"offers/offer_{offer.pk}/quote"
    found, problem = post(caller(), path, {"amount": yuan(amount), "months": months}, key=None)
    assert (found, problem["code"]) == (status, code)


UNFIT: list[tuple[Any, str]] = [
    ([], "non_field_errors"),
    ({"months": 6}, "amount"),
    ({"amount": yuan("1000"), "months": 6, "colour": "blue"}, "colour"),
    ({"amount": yuan("1000") | {"a": 1}, "months": 6}, "amount"),
    ({"amount": {"amount": "1000", "currency": "EUR"}, "months": 6}, "amount"),
    ({"amount": {"amount": "1000", "currency": "yuan"}, "months": 6}, "amount"),
    ({"amount": {"amount": 1000, "currency": "CNY"}, "months": 6}, "amount"),
    ({"amount": yuan("1e3"), "months": 6}, "amount"),
    ({"amount": yuan("1000.001"), "months": 6}, "amount"),
    ({"amount": yuan("9" * 18), "months": 6}, "amount"),
    ({"amount": yuan("9" * 500), "months": 6}, "amount"),
    ({"amount": "1000", "months": 6}, "amount"),
    ({"amount": None, "months": 6}, "amount"),
    ({"amount": yuan("1000"), "months": "6"}, "months"),
    ({"amount": yuan("1000"), "months": 6.0}, "months"),
    ({"amount": yuan("1000"), "months": True}, "months"),
    ({"amount": yuan("1000"), "months": 10**30}, "months"),
    ({"amount": yuan("1000"), "months": 0}, "months"),
    ({"amount": yuan("1\ud800"), "months": 6}, "amount"),
    ({"amount": yuan("1\x00"), "months": 6}, "amount"),
]


@pytest.mark.parametrize(("body", "field"), UNFIT, ids=lambda value: ascii(value)[:60])
def test_a_body_that_is_not_fit_is_refused_in_words(body: object, field: str) -> None:
    offer = open_offer()
    status, problem = post(caller(), f"offers/offer_{offer.pk}/quote", body, key=None)
    assert (status, problem["code"], list(problem["fields"])) == (400, "invalid", [field])


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b'{"months": 1, "months": 2}', b'{"months": NaN}', b"\xff"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    offer = open_offer()
    status, problem = caller().send(f"offers/offer_{offer.pk}/quote", body, "application/json")
    assert (status, problem["code"]) == (400, "parse_error")


def test_an_offer_is_delivered_once_then_declined_once() -> None:
    offer = open_offer()
    api, path = caller(), f"offers/offer_{offer.pk}"
    assert post(api, f"{path}/delivered", {}, key=None)[1]["state"] == "delivered"
    before = everything()
    status, problem = post(api, f"{path}/delivered", {}, key=None)
    assert (status, problem["code"]) == (409, "offer_not_moved")
    assert post(api, f"{path}/decline", {"why": "too dear"}, key=None)[0] == 400
    assert everything() == before
    reply = api.client.generic("POST", f"/api/v1/{path}/decline", headers=api.headers)
    assert (reply.status_code, reply.json()["state"]) == (200, "declined")
    assert post(api, f"{path}/decline", {}, key=None)[1]["code"] == "offer_not_moved"
    assert api.get("offers")[1]["offers"] == []
    assert api.get(path)[1]["state"] == "declined"


def test_without_a_business_day_nothing_is_quoted() -> None:
    offer = open_offer()
    with owner_connection() as owner:
        owner.execute("DELETE FROM office_businessdate")
    path = f"offers/offer_{offer.pk}/quote"
    status, problem = post(caller(), path, {"amount": yuan("1000"), "months": 1}, key=None)
    assert (status, problem["code"]) == (503, "no_business_date")


@pytest.mark.parametrize("path", ["offers/offer_0", "offers/offer_01", "offers/1", f"offers/offer_{'9' * 18}"])
def test_an_id_that_names_nothing_is_not_found(path: str) -> None:
    open_offer()
    assert caller().get(path)[0] == 404
