import csv
from io import StringIO

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
    assert (len(card.parts[0].rows), [button.url for button in card.buttons[1:]]) == (2, ["?"])
    assert client.get(address, {"after": "x"}).status_code == 404


def test_what_was_not_stored_is_a_file_with_reasons(client: Client) -> None:
    """Red if a page of issues were left out, a buyer's name kept, or a cell run as a formula by a spreadsheet."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive(partner, [sale("s1")])
    bad = [sale(f"b{number}", amount="=1+1", buyer="ann@example.com", channel="@x") for number in range(2_500)]
    batch = receive(partner, [sale("s1", amount="11.00"), "no row", *bad])
    address = reverse("admin:merchants_batch_not_stored", args=[batch.pk])
    assert client.get(address).status_code == 302
    client.force_login(make_user("viewer", Role.VIEWER))
    assertContains(client.get(reverse("admin:merchants_batch_change", args=[batch.pk])), address)
    reply = client.get(address)
    assert f"batch-{batch.pk}-not-stored.csv" in reply["Content-Disposition"]
    text = b"".join(reply.streaming_content).decode()  # type: ignore[attr-defined] # Django's of a streamed reply
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["line"] for row in rows] == [str(number + 1) for number in range(2_502)]
    assert [row["reason"] for row in rows[:3]] == ["CONFLICT", "MALFORMED", "BAD_AMOUNT"]
    assert (rows[0]["external_id"], rows[0]["amount_minor"], rows[1]["detail"]) == ("s1", "1100", "no row")
    assert (rows[2]["external_id"], rows[2]["amount"], rows[2]["channel"]) == ("b0", "'=1+1", "'@x")
    assert "ann@example.com" not in text


@pytest.mark.parametrize("cell", ["-1", "-9223372036854775808", "-12.50", "0"])
def test_a_plain_number_in_the_file_stays_a_number(client: Client, cell: str) -> None:
    """Red if a hash below zero were guarded as a formula: sent again, it would name another buyer or none."""
    assert written(client, cell) == cell


@pytest.mark.parametrize("cell", ["-1+1", "-1\n", "--1", "-", "-1.", "-.5", "+1", "-1e5", "-1,5", "-٣"])
def test_what_only_begins_like_a_number_is_guarded(client: Client, cell: str) -> None:
    """Red if the guard looked at the first characters alone."""
    assert written(client, cell) == f"'{cell}"


def written(client: Client, cell: str) -> str:
    """Have a row rejected with a cell in it, and read that in the file."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = receive(partner, [sale("b1", amount="no", buyer_hash=cell)])
    client.force_login(make_user("viewer", Role.VIEWER))
    reply = client.get(reverse("admin:merchants_batch_not_stored", args=[batch.pk]))
    text = b"".join(reply.streaming_content).decode()  # type: ignore[attr-defined] # Django's of a streamed reply
    [row] = csv.DictReader(StringIO(text, newline=""))
    return row["buyer_hash"]


@pytest.mark.parametrize("rows", [1, 3])
def test_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    for number in range(rows):
        receive(partner, [sale(f"s{number}")])
    client.force_login(make_user("viewer", Role.VIEWER))
    with django_assert_num_queries(9):
        client.get(reverse("admin:merchants_batch_changelist"))


def test_every_enum_has_its_words() -> None:
    assert set(STATES) == set(BatchState)
    assert set(KINDS) == set(IssueKind)
    assert set(REASONS) == {*RowRefusal, *CorrectionRefusal}
    assert set(SETTLEMENTS) == set(Settlement)
