import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from merchants.admin.batch import ISSUES, KINDS, REASONS, STATES
from merchants.admin.partner import SETTLEMENTS
from merchants.domain.correction import CorrectionRefusal
from merchants.domain.transaction import RowRefusal, Settlement
from merchants.models.batch import BatchState, IssueKind
from tests.conftest import make_user
from tests.markets import make_merchants, make_partner, receive, sale

pytestmark = pytest.mark.django_db(transaction=True)


def test_issues_are_shown_in_words_page_by_page(client: Client) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive(partner, [sale("s1")])
    bad = [sale(f"b{number}", amount="<i>much</i>") for number in range(ISSUES + 1)]
    batch = receive(partner, [sale("s1", amount="11.00"), *bad])
    client.force_login(make_user("viewer", Role.VIEWER))
    address = reverse("admin:merchants_batch_change", args=[batch.pk])
    first = client.get(address)
    assertContains(first, "The amount cannot be read.")
    assertContains(first, "the stored row stays")
    assertNotContains(first, "<i>much</i>")
    [card] = first.context["page"].cards
    assert len(card.parts[0].rows) == ISSUES
    [card] = client.get(address + card.buttons[-1].url).context["page"].cards
    assert (len(card.parts[0].rows), [button.url for button in card.buttons]) == (2, ["?"])
    assert client.get(address, {"after": "x"}).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    for number in range(rows):
        receive(partner, [sale(f"s{number}")])
    client.force_login(make_user("viewer", Role.VIEWER))
    with django_assert_num_queries(8):
        client.get(reverse("admin:merchants_batch_changelist"))


def test_every_enum_has_its_words() -> None:
    assert set(STATES) == set(BatchState)
    assert set(KINDS) == set(IssueKind)
    assert set(REASONS) == {*RowRefusal, *CorrectionRefusal}
    assert set(SETTLEMENTS) == set(Settlement)
