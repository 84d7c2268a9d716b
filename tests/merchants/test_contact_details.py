"""How merchants are reached: entered by partners and staff, encrypted, shown on demand, retired."""

import json
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.db.encryption import KeyMissing, TextUnreadable
from config.declarations import Role
from config.office.models import OperationEvent
from config.problems import CODES
from merchants.api.contact_details import CODES_OF
from merchants.domain.contact_detail import DetailKind, DetailRefusal, Language
from merchants.models import ContactDetail, Merchant, PayoutAccount
from merchants.operations.contact_details import DetailNotMoved, retire_detail, reveal_detail
from merchants.operations.payout_accounts import enter_payout_account
from merchants.queries.contact_details import details_of
from merchants.queries.labels import DETAIL_KINDS, DETAIL_REFUSALS, LANGUAGES
from tests.conftest import CLERK, NOW, make_user
from tests.forge import as_owner
from tests.markets import make_merchants, make_partner
from tests.merchants.contact_details import PHONE, make_detail
from tests.partners import Api, token_for
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant() -> Merchant:
    make_merchants(make_partner(), "kiln")
    return Merchant.objects.select_related("partner").get()


@pytest.fixture
def api(merchant: Merchant) -> Api:
    return Api(token_for(merchant.partner))


def put(api: Api, name: str = "kiln", **body: str) -> tuple[int, dict[str, str]]:
    path = f"/api/v1/merchants/{name}/contact-details"
    reply = api.client.put(path, json.dumps(body), content_type="application/json", headers=api.headers)
    return reply.status_code, reply.json()


def test_every_value_has_words() -> None:
    assert (set(DETAIL_KINDS), set(LANGUAGES)) == (set(DetailKind), set(Language))
    assert set(DETAIL_REFUSALS) == set(CODES_OF) == set(DetailRefusal)
    assert {code for code, _ in CODES_OF.values()} <= CODES.keys()


def test_a_partner_sends_details_and_retires_them(api: Api) -> None:
    sent = {"kind": "PHONE", "value": "+86 138 0013 8000", "language": "zh"}
    status, first = put(api, **sent)
    assert (status, first["masked"]) == (200, "*** 000")
    assert put(api, **sent)[1]["id"] == first["id"], "the same again is the same"
    _, second = put(api, kind="EMAIL", value="Kiln@Example.com", language="en")
    assert second["masked"] == "k***@example.com"
    address = "/api/v1/merchants/kiln/contact-details"
    found = api.client.get(address, headers=api.headers).json()["contact_details"]
    assert [one["id"] for one in found] == [second["id"], first["id"]]
    assert "8000" not in json.dumps(found)
    retire = f"/api/v1/contact-details/{first['id']}/retire"
    for expected, code in ((200, None), (409, "contact_detail_retired")):
        reply = api.client.post(retire, headers=api.headers)
        assert (reply.status_code, reply.json().get("code")) == (expected, code)
    assert len(api.client.get(address, headers=api.headers).json()["contact_details"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "PHONE", "value": "12", "language": "en"}, 422, "phone_malformed"),
        ({"kind": "EMAIL", "value": "12", "language": "en"}, 422, "email_malformed"),
        ({"kind": "PIGEON", "value": "12", "language": "en"}, 400, "invalid"),
        ({"kind": "EMAIL", "value": "a@b.example", "language": "xx"}, 400, "invalid"),
        ({"kind": "EMAIL", "language": "en"}, 400, "invalid"),
    ],
)
def test_what_does_not_fit_is_refused(api: Api, body: dict[str, str], status: int, code: str) -> None:
    found, problem = put(api, **body)
    assert (found, problem["code"]) == (status, code)
    assert put(api, "nobody", kind="EMAIL", value="a@b.example", language="en")[0] == 404
    assert not ContactDetail.objects.exists()


def test_nothing_of_it_is_in_the_table_in_clear(merchant: Merchant) -> None:
    make_detail(merchant)
    make_detail(merchant, "a.very.long.name.of.somebody@a-very-long-name-of-a-domain.example", kind=DetailKind.EMAIL)
    with connection.cursor() as cursor:
        cursor.execute("SELECT d::text, length(sealed_text) FROM merchants_contactdetail d ORDER BY id")
        (short, width), (long, longer) = cursor.fetchall()
    assert PHONE not in short
    assert PHONE.encode().hex() not in short
    assert b"somebody".hex() not in long
    assert longer - width == 64, "only its size in steps is known"


def test_a_copied_detail_is_not_another_merchants(merchant: Merchant) -> None:
    """Red if SQL alone could let what one merchant is written go to another."""
    make_detail(merchant)
    make_merchants(merchant.partner, "barn")
    other = Merchant.objects.get(external_id="barn")
    as_owner(f"UPDATE merchants_contactdetail SET merchant_id = {other.pk}")
    with pytest.raises(TextUnreadable):
        _ = ContactDetail.objects.get().text


def test_another_language_takes_the_place_of_the_first(merchant: Merchant) -> None:
    first = make_detail(merchant)
    second = make_detail(merchant, language=Language.EN)
    assert [one.pk for one in details_of(merchant.pk)] == [second.pk]
    first.refresh_from_db()
    assert first.retired_by == str(CLERK)
    with pytest.raises(DetailNotMoved):
        reveal_detail(detail_id=first.pk, actor=CLERK, now=NOW)


def test_an_account_number_cannot_be_shown_as_a_contact_detail(merchant: Merchant) -> None:
    """Red if both were encrypted as the same merchant's: whoever may see one could have SQL copy the other."""
    detail = make_detail(merchant)
    account = make_account(merchant)
    as_owner(
        "UPDATE merchants_contactdetail SET (sealed_text, text_key) ="
        f" (SELECT sealed_number, number_key FROM merchants_payoutaccount WHERE id = {account.pk})"
    )
    with pytest.raises(TextUnreadable):
        reveal_detail(detail_id=detail.pk, actor=CLERK, now=NOW)


def make_account(merchant: Merchant) -> PayoutAccount:
    return enter_payout_account(
        partner_id=merchant.partner_id,
        external_id=merchant.external_id,
        number="DE89370400440532013000",
        holder="Kiln",
        actor=CLERK,
        now=NOW,
    )


def test_a_key_that_is_missing_is_said(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    detail = make_detail(merchant)
    monkeypatch.setattr(settings, "ACCOUNT_KEYS", (("other", b"x" * 32),))
    with pytest.raises(KeyMissing):
        _ = ContactDetail.objects.get(pk=detail.pk).text


def test_staff_add_show_and_retire_a_detail(merchant: Merchant, client: Client) -> None:
    client.force_login(make_user("caller", Role.COLLECTOR))
    add = reverse("admin:merchants_merchant_add_detail", args=[merchant.pk])
    assertContains(client.post(add, {"kind": "PHONE", "text": "12", "language": "zh"}), "begins with +")
    page = client.post(add, {"kind": "PHONE", "text": PHONE, "language": "zh"}, follow=True)
    assertContains(page, "*** 000")
    assertNotContains(page, PHONE)
    detail = ContactDetail.objects.get()
    shown = client.post(reverse("admin:merchants_contactdetail_reveal", args=[detail.pk]))
    assertContains(shown, PHONE)
    assert OperationEvent.objects.get(name="merchants.reveal_contact_detail").subject.endswith(f":{detail.pk}")
    retire = reverse("admin:merchants_contactdetail_retire", args=[detail.pk])
    assertContains(client.post(retire, follow=True), "Retired")
    assertContains(client.get(retire), "retired already")
    for event in OperationEvent.objects.filter(subject=f"merchants.contactdetail:{detail.pk}"):
        assert PHONE not in f"{event.before}{event.after}"


def test_it_is_retired_once_and_not_changed(merchant: Merchant) -> None:
    detail = make_detail(merchant)
    retire = partial(retire_detail, detail_id=detail.pk, actor=CLERK, now=NOW)
    outcomes = race(retire, retire, held=ContactDetail.objects.all())
    assert [one.reason for one in outcomes if isinstance(one, DetailNotMoved)] == [DetailRefusal.RETIRED]
    for column in ("language = 'en'", "sealed_text = ''", "retired_at = NULL, retired_by = ''"):
        with pytest.raises(Exception, match="this stays"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE merchants_contactdetail SET {column}")
