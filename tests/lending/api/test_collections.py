"""A platform withholds what its merchants owe: fetched once, reported once, in part as often as it is so."""

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.transfer import ResultRefusal
from lending.models import Loan, LoanEvent, Transfer
from lending.operations.platform_collections import ResultNotTaken, take_result
from lending.queries.gateways import collection_routes, get_gateways
from merchants.domain.transaction import Settlement
from merchants.models import Partner
from merchants.operations.partners import enter_partner, let_withhold
from tests.conftest import CLERK, NOW
from tests.lending.api.calls import yuan
from tests.lending.loans import OPENED, close, lent, proven
from tests.lending.office import staff
from tests.partners import Api, token_for
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
DAILY = {"unit": "DAY", "every": 1}


def withheld(*loans: Loan) -> list[Transfer]:
    """Close the day on which the first instalments are due, so that the platform is asked for them."""
    let_withhold(partner_id=loans[0].merchant.partner_id, withholds=True, actor=CLERK, now=NOW)
    for day in (1, 2):
        open_day(on=OPENED + day * DAY, actor=SYSTEM, now=NOW)
        close(get_gateways())
    return list(Transfer.objects.filter(kind="COLLECTION").order_by("pk"))


def caller() -> Api:
    return Api(token_for(Partner.objects.get(code="bazaar")))


def test_what_is_due_is_fetched_and_reported() -> None:
    loan = lent(amount_minor=90_000, terms=DAILY)
    [transfer] = withheld(loan)
    api = caller()
    status, page = api.get("collections")
    due = transfer.amount_minor
    amount = f"{due // 100}.{due % 100:02}"
    said = {
        "id": str(transfer.key),
        "merchant": loan.merchant.external_id,
        "loan": f"loan_{loan.pk}",
        "amount": yuan(amount),
        "on": "2026-03-02",
        "state": "pending",
        "withheld": yuan("0.00"),
    }
    assert (status, page) == (200, {"collections": [said], "next_after": None})
    path, body = f"collections/{transfer.key}/result", {"amount": yuan(amount)}
    for _ in range(2):
        assert api.post(path, body) == (200, said | {"state": "done", "withheld": yuan(amount)})
    assert api.get("collections")[1]["collections"] == []
    assert LoanEvent.objects.filter(type="repayment").count() == 1
    assert LoanEvent.objects.get(type="repayment").on == transfer.on
    [told] = OperationEvent.objects.filter(name="lending.take_result")
    assert (told.actor, told.amount_minor) == (f"partner:{loan.merchant.partner_id}", due)
    assert proven()


def test_part_is_booked_and_the_rest_is_due_again() -> None:
    loan = lent(amount_minor=90_000, terms=DAILY)
    [transfer] = withheld(loan)
    api = caller()
    assert api.post(f"collections/{transfer.key}/result", {"amount": yuan("1.00")})[0] == 200
    open_day(on=OPENED + 3 * DAY, actor=SYSTEM, now=NOW)
    close(get_gateways())
    [following] = api.get("collections")[1]["collections"]
    assert following["on"] == "2026-03-03"
    assert LoanEvent.objects.get(type="repayment").amount_minor == 100
    assert proven()


def test_what_fell_due_while_the_platform_was_silent_is_asked_for_with_its_answer() -> None:
    loan = lent(amount_minor=90_000, terms=DAILY)
    [transfer] = withheld(loan)
    for day in (3, 4):
        open_day(on=OPENED + day * DAY, actor=SYSTEM, now=NOW)
        close(get_gateways())
    assert Transfer.objects.filter(kind="COLLECTION").count() == 1
    assert caller().post(f"collections/{transfer.key}/result", {"amount": yuan("0")})[0] == 200
    [failed, following] = Transfer.objects.filter(kind="COLLECTION").order_by("pk")
    assert (failed.state, following.state, following.on) == ("FAILED", "PENDING", OPENED + 2 * DAY)


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [("-1", 422, "amount_negative"), ("999.99", 422, "amount_above_due"), ("0.01", 409, "reported_otherwise")],
)
def test_what_does_not_fit_is_refused(amount: str, status: int, code: str) -> None:
    [transfer] = withheld(lent(amount_minor=90_000, terms=DAILY))
    api = caller()
    if status == 409:
        api.post(f"collections/{transfer.key}/result", {"amount": yuan("1.00")})
    answer, problem = api.post(f"collections/{transfer.key}/result", {"amount": yuan(amount)})
    assert (answer, problem["code"]) == (status, code)
    foreign = {"amount": {"amount": "1.00", "currency": "EUR"}}
    assert api.post(f"collections/{transfer.key}/result", foreign)[0] == 400


def test_a_platform_sees_its_own_collections_alone() -> None:
    [transfer] = withheld(lent(amount_minor=90_000, terms=DAILY))
    other = enter_partner(code="other", name="Other", settlement=Settlement.IMMEDIATE, actor=CLERK, now=NOW)
    stranger = Api(token_for(other))
    assert stranger.get("collections")[1]["collections"] == []
    unknown = stranger.post(f"collections/{transfer.key}/result", {"amount": yuan("1.00")})
    assert unknown[0] == 404
    missing = stranger.post("collections/00000000-0000-0000-0000-000000000001/result", {"amount": yuan("1.00")})
    assert (unknown[0], unknown[1]["code"]) == (missing[0], missing[1]["code"])
    reader = Api(token_for(Partner.objects.get(code="bazaar"), "loans:read"))
    assert reader.post(f"collections/{transfer.key}/result", {"amount": yuan("1.00")})[0] == 403


def test_two_results_at_once_are_one() -> None:
    [transfer] = withheld(lent(amount_minor=90_000, terms=DAILY))

    calls = [
        partial(take_result, transfer_id=transfer.pk, amount_minor=minor, actor=CLERK, clock=lambda: NOW)
        for minor in (1, 2)
    ]
    outcomes = race(*calls, held=Loan.objects.filter(pk=transfer.loan_id))
    [refused] = [outcome for outcome in outcomes if isinstance(outcome, ResultNotTaken)]
    assert refused.reason is ResultRefusal.REPORTED_OTHERWISE
    assert LoanEvent.objects.filter(type="repayment").count() == 1
    assert proven()


def test_staff_say_who_collects(client: Client) -> None:
    loan = lent()
    partner = loan.merchant.partner
    client.force_login(staff(Role.RISK_MANAGER))
    for verb, route in (("withhold", "platform"), ("collect_ourselves", "loopback")):
        client.post(reverse(f"admin:merchants_partner_{verb}", args=[partner.pk]))
        assert collection_routes([loan.pk]) == {route: [loan.pk]}


def test_pages_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lending.api.collections.A_PAGE", 2)
    loans = [lent(amount_minor=90_000, terms=DAILY) for _ in range(3)]
    keys = [str(transfer.key) for transfer in withheld(*loans)]
    api = caller()
    first = api.get("collections")[1]
    second = api.get(f"collections?after={first['next_after']}")[1]
    assert [one["id"] for one in (*first["collections"], *second["collections"])] == keys
    assert second["next_after"] is None
