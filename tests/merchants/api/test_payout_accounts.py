import json

import pytest

from config.problems import CODES
from merchants.api.payout_accounts import STATUSES
from merchants.domain.payout_account import EntryRefusal
from merchants.models import PayoutAccount
from tests.conftest import NOW
from tests.markets import make_merchants, make_partner
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "GB82 WEST 1234 5698 7654 32"


@pytest.fixture
def api() -> Api:
    partner = make_partner()
    make_merchants(partner, "kiln")
    return Api(token_for(partner))


def put(api: Api, merchant: str = "kiln", **body: str) -> tuple[int, dict[str, str]]:
    path = f"/api/v1/merchants/{merchant}/payout-account"
    reply = api.client.put(path, json.dumps(body), content_type="application/json", headers=api.headers)
    return reply.status_code, reply.json()


def test_the_same_account_twice_is_one_and_masked(api: Api) -> None:
    for _ in range(2):
        status, said = put(api, number=NUMBER, holder="Kiln")
        assert (status, said["masked_number"], said["state"]) == (200, "**** 5432", "PENDING")
        assert "number" not in said
    assert PayoutAccount.objects.get().entered_by.startswith("partner:")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"number": NUMBER, "holder": "Barn"}, 409, "holder_differs"),
        ({"number": "12", "holder": "Kiln"}, 422, "number_malformed"),
        ({"number": NUMBER.replace("82", "83"), "holder": "Kiln"}, 422, "iban_check_failed"),
        ({"holder": "Kiln"}, 400, "invalid"),
        ({"number": NUMBER, "holder": "Ki\x00ln"}, 400, "invalid"),
    ],
)
def test_a_refusal_is_a_problem_with_a_stable_code(api: Api, body: dict[str, str], status: int, code: str) -> None:
    put(api, number=NUMBER, holder="Kiln")
    found, problem = put(api, **body)
    assert (found, problem["code"]) == (status, code)
    assert PayoutAccount.objects.get().holder == "Kiln"


def test_every_refusal_has_its_status_and_words() -> None:
    assert set(STATUSES) == set(EntryRefusal)
    assert {reason.lower() for reason in EntryRefusal} <= CODES.keys()
    assert put(Api(None), "kiln", number=NUMBER, holder="x")[0] == 401


def test_a_partner_lists_its_accounts_and_withdraws_what_waits(api: Api) -> None:
    _, first = put(api, number=NUMBER, holder="Kiln")
    withdraw = f"/api/v1/payout-accounts/{first['id']}/withdraw"
    for status, code in ((200, None), (409, "account_not_pending")):
        reply = api.client.post(withdraw, headers=api.headers)
        assert (reply.status_code, reply.json().get("code")) == (status, code)
    _, second = put(api, number=NUMBER, holder="Kiln")
    PayoutAccount.objects.filter(state="PENDING").update(
        state="REJECTED", closed_by="staff:1", closed_at=NOW, reason="no document"
    )
    found = api.client.get("/api/v1/merchants/kiln/payout-account", headers=api.headers).json()["payout_accounts"]
    assert [(one["id"], one["state"], one["reason"]) for one in found] == [
        (second["id"], "REJECTED", "no document"),
        (first["id"], "WITHDRAWN", ""),
    ]
    assert "number" not in found[0]
