"""Letters as collectors see them: on their case, in a list, and what is done about one that did not leave."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.admin.letter_words import LETTER_REFUSALS, LETTER_STATES, STOPS
from lending.admin.letters import NO_ADDRESS
from lending.domain.arrears.letter import LetterRefusal, LetterState, Stop
from lending.models import ArrearsCase, Letter
from tests.conftest import NOW
from tests.lending.arrears import make_case
from tests.lending.letters import enter_dunning, make_letter
from tests.lending.loans import lent
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:lending_letter_changelist"


@pytest.fixture
def case() -> ArrearsCase:
    return make_case(lent())


@pytest.fixture
def collector(client: Client) -> Client:
    client.force_login(staff(Role.COLLECTOR))
    return client


def address_of(letter: Letter, verb: str = "change") -> str:
    return reverse(f"admin:lending_letter_{verb}", args=[letter.pk])


def test_everything_has_words() -> None:
    for words, kind in ((LETTER_STATES, LetterState), (STOPS, Stop), (LETTER_REFUSALS, LetterRefusal)):
        assert set(words) == set(kind)


def test_a_letter_is_read_on_its_page_and_found_from_its_case(case: ArrearsCase, collector: Client) -> None:
    letter = make_letter(case, body="Dear Kiln,\n<b>pay</b> now.", state="SENT", sent_at=NOW, sent_on=NOW.date())
    page = collector.get(reverse("admin:lending_arrearscase_change", args=[case.pk]))
    assertContains(page, address_of(letter))
    page = collector.get(address_of(letter))
    for said in ("Dear Kiln,\n&lt;b&gt;pay&lt;/b&gt; now.", "Sent", f"{letter.key.hex}@", case.merchant.name):
        assertContains(page, said)
    assertNotContains(page, "Send again")


@pytest.mark.parametrize("state", ["REFUSED", "UNKNOWN"])
def test_a_collector_is_told_and_sends_it_again(case: ArrearsCase, collector: Client, state: str) -> None:
    left = {"sent_at": NOW, "sent_on": NOW.date()} if state == "UNKNOWN" else {}
    letter = make_letter(case, state=state, on=NOW.date(), late_since="2026-02-20", **left)
    home = collector.get(reverse("admin:index"))
    assertContains(home, "1 letter")
    assertContains(home, f"{reverse(LIST)}?to_do=yes")
    assertContains(collector.get(reverse(LIST), {"to_do": "yes"}), case.merchant.name)
    if state == "REFUSED":
        assertContains(collector.get(address_of(letter)), escape(NO_ADDRESS))
    assertContains(collector.post(address_of(letter, "send_again"), {"reason": ""}, follow=True), "give a reason")
    page = collector.post(address_of(letter, "send_again"), {"reason": "a new address"}, follow=True)
    assertContains(page, "The letter is sent again")
    letter.refresh_from_db()
    assert (letter.state, letter.sent_at) == (LetterState.DUE, None)
    assertNotContains(collector.get(reverse(LIST), {"to_do": "yes"}), case.merchant.name)


def test_a_collector_withholds_a_letter_with_a_reason(case: ArrearsCase, collector: Client) -> None:
    letter = make_letter(case)
    page = collector.post(address_of(letter, "withhold"), {"reason": "the owner died"}, follow=True)
    assertContains(page, "the owner died")
    assertContains(page, "Withheld")
    again = collector.post(address_of(letter, "withhold"), {"reason": "once more"}, follow=True)
    assertContains(again, escape(LETTER_REFUSALS[LetterRefusal.NOT_TO_BE_WITHHELD]))


def test_letters_that_wait_for_long_are_told(case: ArrearsCase, collector: Client) -> None:
    make_letter(case)
    assertContains(collector.get(reverse("admin:index")), "No mail server is set up (MAIL_SERVER)")


def test_the_list_says_by_which_policy_and_the_policy_shows_its_texts(collector: Client) -> None:
    assertContains(collector.get(reverse(LIST)), "No dunning policy is entered")
    row = enter_dunning(hours={"from_hour": 9, "until_hour": 19})
    assertContains(collector.get(reverse(LIST)), "from 9 to 19 o&#x27;clock, UTC")
    page = collector.get(reverse("admin:lending_dunningpolicy_change", args=[row.pk]))
    for said in ("Demand for payment, from 31 days past due: Chinese", "尊敬的{merchant}", "2 letters in 7 days"):
        assertContains(page, said)


def test_who_may_see_and_do_what(case: ArrearsCase, client: Client) -> None:
    letter = make_letter(case)
    for role, sees, works in (
        (Role.COLLECTOR, True, True),
        (Role.RISK_MANAGER, True, True),
        (Role.AUDITOR, True, False),
        (Role.VIEWER, False, False),
    ):
        client.force_login(staff(role))
        assert client.get(address_of(letter)).status_code == (200 if sees else 403)
        assert client.get(address_of(letter, "withhold")).status_code == (200 if works else 403)
        home = client.get(reverse("admin:index"))
        assert ("waited for more than a day" in home.content.decode()) is works


def test_letters_are_found(case: ArrearsCase, collector: Client) -> None:
    letter = make_letter(case)
    for asked in ({"q": str(letter)}, {"q": str(case)}, {"q": case.merchant.name}, {"state": "DUE"}):
        assertContains(collector.get(reverse(LIST), asked), address_of(letter))
    assertNotContains(collector.get(reverse(LIST), {"state": "SENT"}), address_of(letter))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_needs_as_many_queries_for_three_letters_as_for_one(
    collector: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    for _ in range(rows):
        make_letter(make_case(lent()))
    with django_assert_num_queries(10):
        collector.get(reverse(LIST))
