"""The office's pages of credit lines: what they show, and what may be done there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.admin.words import (
    DRAW_REFUSALS,
    LINE_EVENTS,
    LINE_REFUSALS,
    LINE_STATES,
    OPENS,
    PRODUCT_KINDS,
    months_words,
)
from lending.domain.origination.kinds.kind import Opening
from lending.domain.origination.line import DrawRefusal, LineEventType, LineRefusal, LineState
from lending.domain.origination.product import ProductKind
from lending.models import Application, Line, Loan
from tests.conftest import NOW
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line, paid_out, repay
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
EVIDENCE = {
    "external_ref": "office-1",
    "signatory": "The owner",
    "signed_at": f"{NOW:%Y-%m-%dT%H:%M}",
    "document_sha256": "A" * 64,
    "address": "192.0.2.1",
}


@pytest.fixture
def line(client: Client) -> Line:
    """Open a line in a market that sells both kinds; sign in as who draws for merchants."""
    make_offers_of_both_kinds()
    client.force_login(staff(Role.UNDERWRITER))
    return open_line(offered_lines()[0])


def page(line: Line, verb: str = "change") -> str:
    return reverse(f"admin:lending_line_{verb}", args=[line.pk])


def ask(client: Client, line: Line, verb: str, **data: Any) -> Any:  # noqa: ANN401
    return client.post(page(line, verb), {"step": "confirm"} | data, follow=True)


def test_every_table_of_words_has_every_member() -> None:
    for table, members in (
        (LINE_STATES, LineState),
        (LINE_EVENTS, LineEventType),
        (DRAW_REFUSALS, DrawRefusal),
        (LINE_REFUSALS, LineRefusal),
        (PRODUCT_KINDS, ProductKind),
        (OPENS, Opening),
    ):
        assert set(table) == set(members)
    assert [str(months_words(months)) for months in (None, 1, 3)] == ["open-ended", "1 month", "3 months"]


def test_a_draw_shows_what_it_costs_and_what_is_left_before_it_is_done(client: Client, line: Line) -> None:
    assertContains(client.get(page(line, "draw")), "open-ended")
    asked = {"amount": "2.00", "months": "none"}
    shown = client.post(page(line, "draw"), {"step": "preview"} | asked)
    left = f"{(line.limit_minor - 200) / 100:,.2f}"
    for words in ("Left of the line afterwards", left, "Effective yearly rate", "the payout is ordered"):
        assertContains(shown, words)
    assert not Application.objects.filter(line=line).exists()
    assertContains(ask(client, line, "draw", **asked, **EVIDENCE), "The application is approved")
    application = Application.objects.get(line=line)
    assert (application.months, application.amount_minor, application.document_sha256) == (None, 200, "a" * 64)
    assert Loan.objects.get().line == line
    too_much = client.post(page(line, "draw"), {"step": "preview", "amount": "99999", "months": "3"})
    assertContains(too_much, DRAW_REFUSALS[DrawRefusal.AMOUNT_ABOVE_FREE])


def test_a_line_is_shown_wherever_what_hangs_on_it_is(client: Client, line: Line) -> None:
    application = draw(line, 300)
    loan = paid_out(application)
    shown = client.get(page(line))
    for words in (line.merchant.name, "Draws", str(loan), "History", "Drawn", "Opened", "open-ended"):
        assertContains(shown, words)
    for address in (
        reverse("admin:merchants_merchant_change", args=[line.merchant_id]),
        reverse("admin:lending_loan_change", args=[loan.pk]),
        reverse("admin:lending_application_change", args=[application.pk]),
        reverse("admin:lending_application_change", args=[line.application_id]),
    ):
        assertContains(client.get(address), page(line))
    merchant = client.get(reverse("admin:merchants_merchant_change", args=[line.merchant_id]))
    assertContains(merchant, "Offer: Term loan")
    assertContains(merchant, "The merchant has a line")
    found = client.get(reverse("admin:lending_line_changelist"), {"q": str(line)})
    assertContains(found, line.merchant.name)
    assertNotContains(client.get(reverse("admin:lending_line_changelist"), {"state": "CLOSED"}), line.merchant.name)


def test_staff_freeze_unfreeze_and_close_with_a_reason(client: Client, line: Line) -> None:
    assertContains(ask(client, line, "freeze", reason="a call"), "The line is frozen.")
    assertContains(client.get(page(line)), DRAW_REFUSALS[DrawRefusal.LINE_FROZEN])
    assertContains(client.get(page(line, "draw")), DRAW_REFUSALS[DrawRefusal.LINE_FROZEN])
    assert client.get(page(line, "unfreeze")).status_code == 403
    assert client.get(page(line, "close")).status_code == 403
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(ask(client, line, "unfreeze", reason="settled"), "may be drawn on again")
    application = draw(line, 300)
    assertContains(client.get(page(line, "close")), LINE_REFUSALS[LineRefusal.STILL_DRAWN])
    paid_out(application)
    repay(application, 300)
    assertContains(ask(client, line, "close", reason="asked for"), "The line is closed.")
    assertContains(client.get(page(line)), "asked for")
    for verb in ("freeze", "unfreeze", "close"):
        assertNotContains(ask(client, line, verb, reason="again"), "The line is frozen.")
    line.refresh_from_db()
    assert line.state == LineState.CLOSED


def test_what_a_review_froze_a_line_for_is_told_in_words(client: Client, line: Line) -> None:
    Line.objects.filter(pk=line.pk).update(state="FROZEN", frozen_for="PAST_DUE")
    assertContains(client.get(page(line)), "A loan of the merchant is past due.")


def test_an_offer_of_a_line_is_accepted_in_the_office(client: Client, line: Line) -> None:
    offer = offered_lines()[0]
    address = reverse("admin:lending_offer_apply", args=[offer.pk])
    asked = {"amount": f"{offer.limit_minor / 100:.2f}", "months": "none"}
    shown = client.post(address, {"step": "preview"} | asked)
    assertContains(shown, "no money moves until it is drawn on")
    signed = EVIDENCE | {"signed_at": f"{offer.made_at:%Y-%m-%dT%H:%M}"}
    client.post(address, {"step": "confirm"} | asked | signed)
    assert Line.objects.exclude(pk=line.pk).get().limit_minor == offer.limit_minor


def test_the_page_of_a_line_product_says_what_a_draw_may_be(client: Client, line: Line) -> None:
    shown = client.get(reverse("admin:lending_productversion_change", args=[line.product_id]))
    for words in ("Minimum draw", "Terms of a draw", "10.00 %"):
        assertContains(shown, words)
    listed = client.get(reverse("admin:lending_productversion_changelist"))
    assertContains(listed, ">Sold<", count=2)


@pytest.mark.parametrize("lines", [1, 3])
def test_the_list_takes_as_many_queries_for_three_as_for_one(
    client: Client, line: Line, lines: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for offer in offered_lines()[: lines - 1]:
        draw(open_line(offer), 100)
    draw(line, 100)
    with django_assert_num_queries(11):
        client.get(reverse("admin:lending_line_changelist"))
