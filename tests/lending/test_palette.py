"""The command palette: what it finds, and for whom."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.operations.loans import book_repayment
from lending.queries import search
from tests.conftest import CLERK, NOW, make_user
from tests.lending.loans import OPENED, application_of, lent
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_found_by_another_test() -> None:
    cache.clear()


def found(client: Client, term: str) -> Any:  # noqa: ANN401 - the test client's response
    return client.get(reverse("admin:search"), {"s": term, "extended": "1"})


@pytest.mark.parametrize("common", [10_000, 0], ids=["a rare word", "a common one"])
def test_a_loan_is_found_by_its_number_its_merchant_and_the_reference_of_a_payment(
    client: Client, monkeypatch: pytest.MonkeyPatch, common: int
) -> None:
    """Red if the term came as the theme hands it on, in small letters: references are kept as they were sent.

    Or if a word that is in many names found another loan than one that is in few.
    """
    monkeypatch.setattr(search, "COMMON", common)
    loan = lent()
    book_repayment(loan_id=loan.pk, amount_minor=100, on=OPENED, external_ref="PAY-7", actor=CLERK, now=NOW)
    client.force_login(staff(Role.VIEWER))
    address = reverse("admin:lending_loan_change", args=[loan.pk])
    for term in (
        f"LOAN_{loan.pk}",
        str(loan.pk),
        loan.merchant.name.upper(),
        "PAY-7",
        application_of(loan).external_ref,
    ):
        assertContains(found(client, term), address, msg_prefix=term)


def test_nothing_is_found_where_there_is_nothing_or_no_right(client: Client) -> None:
    loan = lent()
    client.force_login(staff(Role.VIEWER))
    assertContains(found(client, "no such thing"), "Nothing has this number")
    client.force_login(make_user("nobody"))
    assertNotContains(found(client, f"loan_{loan.pk}"), reverse("admin:lending_loan_change", args=[loan.pk]))
