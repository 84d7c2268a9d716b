"""Imported loans in lists, on pages and over REST: nobody applied for them here."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.admin.loan_verbs import VERBS
from lending.models import Loan
from lending.queries.search import search_loans
from merchants.models import Partner
from tests.lending.api.calls import post
from tests.lending.books import write_book
from tests.lending.loans import make_loan
from tests.lending.office import staff
from tests.lending.takeovers import make_market, some_book, take_over
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loans(tmp_path: Path) -> list[Loan]:
    take_over(write_book(tmp_path / "book", some_book(make_market(3), 9)))
    return list(Loan.objects.order_by("pk"))


def test_they_are_listed_with_their_grade_and_beside_others(client: Client, loans: list[Loan]) -> None:
    """Red if a loan without an offer breaks the list, or the filter by grade leaves it out."""
    own = make_loan()
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_loan_changelist")
    for query in ("", "?grade=B1", "?status=CLOSED", "?late=30&grade=B1", "?q=L-3"):
        assert client.get(f"{address}{query}").status_code == 200
    for loan in (*loans, own):
        assertContains(client.get(f"{address}?grade=B1"), str(loan))
    assertNotContains(client.get(f"{address}?grade=A1"), str(loans[0]))
    assert [loan.pk for loan in search_loans("L-3")] == [loans[3].pk]


def test_each_page_says_where_the_loan_comes_from(client: Client, loans: list[Loan]) -> None:
    client.force_login(staff(Role.FINANCE))
    for number, loan in enumerate(loans):
        page = client.get(reverse("admin:lending_loan_change", args=[loan.pk]))
        assertContains(page, f"no L-{number} of the book that was taken over on 2026-03-01")
        assertContains(page, "Taken over with the loan book")
    merchant = reverse("admin:merchants_merchant_change", args=[loans[0].merchant_id])
    for address in (merchant, reverse("admin:index"), reverse("admin:lending_transfer_changelist")):
        assert client.get(address).status_code == 200


def test_every_verb_of_a_loan_is_asked_for(client: Client, loans: list[Loan]) -> None:
    """Red if a form of a verb fails at a loan that was never applied for or paid out here."""
    client.force_login(staff(Role.FINANCE))
    for loan in loans[:4]:
        for verb in VERBS:
            reply = client.get(reverse(f"admin:lending_loan_{verb.name}", args=[loan.pk]), follow=True)
            assert reply.status_code in {200, 403}, verb.name


def test_they_are_served_over_rest(loans: list[Loan]) -> None:
    """Red if a partner cannot read, list or repay a loan that it brought along."""
    api = Api(token_for(Partner.objects.get()))
    status, said = api.get("loans")
    assert status == 200
    assert [one["application"] for one in said["loans"]] == [None] * len(loans)
    running = next(loan for loan in loans if loan.status == "ACTIVE")
    address = f"loans/loan_{running.pk}"
    for path in ("", "/events", "/schedule", "/payoff"):
        assert api.get(f"{address}{path}")[0] == 200, path
    payment = {"amount": {"amount": "12.00", "currency": "CNY"}, "on": "2026-03-01", "external_ref": "new-1"}
    status, said = post(api, f"{address}/repayments", payment)
    assert status in {200, 201}, said
    assert running.events.filter(external_ref="new-1").count() == 1
