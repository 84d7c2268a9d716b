"""Credit lines over the API: read, quoted and drawn on, in one market."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.origination.line import DrawRefusal
from lending.domain.origination.product import ProductKind
from lending.models import Application, Line, Loan, Offer
from merchants.models import Partner
from tests.conftest import NOW, Enqueued
from tests.lending.api.calls import EVIDENCE, euros, everything, post
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line, paid_out
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Api:
    make_offers_of_both_kinds()
    return Api(token_for(Partner.objects.get()))


def accepted(api: Api) -> tuple[Line, Any]:
    """Accept all of the largest line over the API."""
    offer = offered_lines()[0]
    amount = euros(f"{offer.limit_minor / 100:.2f}")
    body = {"amount": amount, "months": None, "external_ref": "l1", "evidence": EVIDENCE}
    status, said = post(api, f"offers/offer_{offer.pk}/accept", body, key="open")
    assert status == 201
    return Line.objects.get(), said


def wish(amount: str = "2.00", *, ref: str = "d1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"amount": euros(amount), "months": None, "external_ref": ref, "evidence": EVIDENCE} | fields


def test_an_offer_of_a_line_is_chosen_without_a_term_and_opens_it(api: Api) -> None:
    offer = offered_lines()[0]
    listed = api.get("offers?kind=line")[1]["offers"]
    assert {one["kind"] for one in listed} == {"line"}
    assert len(listed) == Offer.objects.open().filter(kind=ProductKind.LINE).count()
    assert api.get("offers?kind=lease")[0] == 400
    [term] = api.get(f"offers/offer_{offer.pk}")[1]["terms"]
    assert term == {"months": None, "most": euros(f"{offer.limit_minor / 100:.2f}")}
    quoted = post(api, f"offers/offer_{offer.pk}/quote", {"amount": term["most"], "months": None}, key=None)
    assert (quoted[0], len(quoted[1]["schedule"]) > 1) == (200, True)
    merchant = offer.merchant.external_id
    assert api.get(f"merchants/{merchant}/offer?kind=line")[1]["offer"]["id"] == f"offer_{offer.pk}"
    line, said = accepted(api)
    assert (said["outcome"], said["line"], said["loan"], said["payout"]) == ("approved", f"line_{line.pk}", None, None)
    without = api.get(f"merchants/{merchant}/offer?kind=line")[1]
    assert (without["offer"], without["no_offer"]["code"]) == (None, "line_open")
    assert api.get(f"merchants/{merchant}/offer")[1]["offer"]["kind"] == "term"


def test_a_line_says_what_is_drawn_what_is_left_and_what_a_draw_may_be(api: Api) -> None:
    line, _ = accepted(api)
    paid_out(draw(line, 150))
    limit = line.limit_minor
    status, said = api.get(f"lines/line_{line.pk}")
    assert (status, said) == (
        200,
        {
            "id": f"line_{line.pk}",
            "merchant": line.merchant.external_id,
            "state": "active",
            "limit": euros(f"{limit / 100:.2f}"),
            "used": euros("1.50"),
            "free": euros(f"{(limit - 150) / 100:.2f}"),
            "minimum": euros("1.00"),
            "daily_rate": f"{line.daily_rate.normalize():f}",
            "terms": said["terms"],
            "opened_on": "2026-03-01",
            "not_drawable": None,
            "loans": [
                {
                    "id": f"loan_{Loan.objects.get().pk}",
                    "status": "active",
                    "amount": euros("1.50"),
                    "principal": euros("1.50"),
                }
            ],
        },
    )
    assert said["terms"][-1] is None
    [listed] = api.get("lines")[1]["lines"]
    assert listed == {name: value for name, value in said.items() if name != "loans"}
    assert api.get(f"lines?merchant={line.merchant.external_id}")[1]["lines"] == [listed]
    assert api.get("loans")[1]["loans"][0]["line"] == f"line_{line.pk}"


def test_a_draw_is_quoted_and_decided_in_the_reply(api: Api, enqueued: Enqueued) -> None:
    line, _ = accepted(api)
    path = f"lines/line_{line.pk}"
    status, quoted = post(api, f"{path}/quote", {"amount": euros("2.00"), "months": 3}, key=None)
    assert (status, len(quoted["schedule"])) == (200, 3)
    enqueued()
    status, said = first = post(api, f"{path}/draws", wish())
    loan = Loan.objects.get()
    assert (status, said["outcome"], said["loan"], said["line"]) == (
        201,
        "approved",
        f"loan_{loan.pk}",
        f"line_{line.pk}",
    )
    assert (said["months"], said["payout"]) == (None, "waiting")
    assert "lending.pay_out" in [name for name, _ in enqueued()]
    assert api.get(f"applications/{said['id']}") == (200, said)
    before = everything()
    assert post(api, f"{path}/draws", wish()) == first, "sent again, it is answered, not done"
    assert post(api, f"{path}/draws", wish("3.00"))[1]["code"] == "idempotency_key_reused"
    assert post(api, f"{path}/draws", wish(), key="other")[1]["code"] == "reference_used"
    assert post(api, f"{path}/draws", wish(), key=None)[1]["code"] == "idempotency_key_missing"
    assert everything() == before


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"amount": euros("0.99")}, 422, "amount_below_draw_minimum"),
        ({"amount": euros("99999.00")}, 422, "amount_above_free"),
        ({"months": 2}, 422, "months_not_offered"),
        ({"months": "3"}, 400, "invalid"),
        ({"amount": {"amount": "2.00", "currency": "CNY"}}, 400, "invalid"),
        ({"evidence": EVIDENCE | {"document_sha256": "A" * 64}}, 422, "evidence_malformed"),
    ],
)
def test_a_draw_that_is_not_fit_is_refused_in_words(api: Api, fields: dict[str, Any], status: int, code: str) -> None:
    line, _ = accepted(api)
    reply = post(api, f"lines/line_{line.pk}/draws", wish() | fields)
    assert (reply[0], reply[1]["code"]) == (status, code)
    assert not Application.objects.filter(line=line).exists()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"state": "FROZEN"}, "line_frozen", "The credit line is frozen"),
        ({"state": "FROZEN", "frozen_for": "PAST_DUE"}, "line_frozen", "One of your loans is past due"),
        ({"state": "CLOSED", "closed_at": NOW}, "line_closed", "The credit line is closed"),
        ({"limit_minor": 99}, "nothing_left", "The amount left"),
    ],
)
def test_why_a_line_cannot_be_drawn_on_is_told(api: Api, changes: dict[str, Any], code: str, words: str) -> None:
    line, _ = accepted(api)
    Line.objects.filter(pk=line.pk).update(**changes)
    told = api.get(f"lines/line_{line.pk}")[1]["not_drawable"]
    assert (told["code"], told["words"].startswith(words)) == (code, True)
    for path in ("quote", "draws"):
        body = wish() if path == "draws" else {"amount": euros("2.00"), "months": None}
        assert post(api, f"lines/line_{line.pk}/{path}", body)[:1] == (409,)
        assert post(api, f"lines/line_{line.pk}/{path}", body)[1]["code"] == code
    assert {refusal for refusal in DrawRefusal if refusal.value.lower() == code}


@pytest.mark.parametrize("lines", [1, 3])
def test_a_list_takes_as_many_queries_for_one_as_for_three(
    api: Api, lines: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for offer in offered_lines()[:lines]:
        draw(open_line(offer), 100)
    open_day(on=Line.objects.latest("pk").opened_on.replace(day=2), actor=SYSTEM, now=NOW)
    with django_assert_num_queries(5):
        assert len(api.get("lines")[1]["lines"]) == lines
