import pytest

from merchants.models import Merchant
from tests.markets import make_merchants, make_partner
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)
KILN = {"external_id": "kiln", "name": "蓝窑陶瓷", "currency": "CNY", "owner_ref": "o1", "opened_on": "2024-02-29"}


@pytest.fixture
def api() -> Api:
    return Api(token_for(make_partner()))


def test_a_merchant_is_entered_changed_and_read(api: Api) -> None:
    entered = {"created": 1, "changed": 0, "unchanged": 0, "rejected": []}
    assert api.post("merchants", {"merchants": [KILN]}) == (200, entered)
    assert api.post("merchants", {"merchants": [KILN]}) == (200, entered | {"created": 0, "unchanged": 1})
    moved = KILN | {"city": "景德镇"}
    assert api.post("merchants", {"merchants": [moved]}) == (200, entered | {"created": 0, "changed": 1})
    status, merchant = api.get("merchants/kiln")
    assert status == 200
    assert merchant == {"category": "", "region": "", "membership": ""} | moved


def test_an_id_with_slashes_can_be_reached(api: Api) -> None:
    api.post("merchants", {"merchants": [KILN | {"external_id": "north/kiln/1"}]})
    assert api.get("merchants/north/kiln/1")[0] == 200
    assert api.get("merchants/north%2Fkiln%2F1")[0] == 200
    assert api.get("merchants/north/kiln/1/score")[1]["code"] == "no_score_yet"
    assert api.get("merchants/north/kiln")[0] == 404


def test_unfit_merchants_are_left_out_and_said(api: Api) -> None:
    rows = [KILN, {"external_id": "b", "name": "B"}, KILN | {"external_id": "c", "opened_on": "2023-02-29"}]
    status, entered = api.post("merchants", {"merchants": rows})
    assert (status, entered["created"]) == (200, 1)
    assert [(one["line"], one["reason"]) for one in entered["rejected"]] == [(2, "MISSING_FIELD"), (3, "BAD_DATE")]
    _, again = api.post("merchants", {"merchants": [KILN | {"currency": "EUR"}]})
    assert [one["reason"] for one in again["rejected"]] == ["CURRENCY_CHANGED"]
    assert Merchant.objects.get().currency == "CNY"


@pytest.mark.parametrize("body", [{}, {"merchants": []}, {"merchants": [1]}, {"merchants": [{"external_id": 1}]}, []])
def test_what_is_no_list_of_merchants_is_refused(api: Api, body: object) -> None:
    status, problem = api.post("merchants", body)
    assert (status, problem["code"]) == (400, "invalid")
    assert "merchants" in problem["fields"]


def test_the_list_comes_in_pages(api: Api) -> None:
    make_merchants(make_partner(), *[f"shop-{number:03}" for number in range(101)])
    _, first = api.get("merchants")
    _, second = api.get(f"merchants?after={first['next_after']}")
    names = [merchant["external_id"] for merchant in first["merchants"] + second["merchants"]]
    assert names == [f"shop-{number:03}" for number in range(101)]
    assert second["next_after"] is None
    assert api.get("merchants?after=%00")[0] == 400
    assert api.get("merchants/%00")[0] == 400


def test_a_field_that_no_text_can_name_is_refused_in_words(api: Api) -> None:
    status, problem = api.send("merchants", b'{"merchants": [{"\\ud800": "a"}]}', "application/json")
    assert (status, problem["code"]) == (400, "invalid")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_a_method_that_is_not_there_is_a_problem(api: Api, method: str) -> None:
    reply = api.client.generic(method, "/api/v1/merchants", "{}", "application/json", headers=api.headers)
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
