"""The collectors' queue, and what they do with a case."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import actor_of
from config.office.verbs import ASKED
from lending.admin.arrears_words import (
    CASE_REFUSALS,
    CASE_STATES,
    CHANNELS,
    HANDOVER_REFUSALS,
    PROMISE_REFUSALS,
    PROMISE_STATES,
    RESULTS,
)
from lending.domain.arrears.case import CaseRefusal, CaseState, Channel, ContactResult
from lending.domain.arrears.handover import HandoverRefusal
from lending.domain.arrears.promise import PromiseRefusal, PromiseState
from lending.models import ArrearsCase, CaseContact, Loan, PaymentPromise
from lending.operations.arrears import take_case
from tests.approvals import approve_open
from tests.conftest import NOW
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:lending_arrearscase_changelist"


@pytest.fixture
def case() -> ArrearsCase:
    lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=8))
    return ArrearsCase.objects.select_related("merchant").get()


@pytest.fixture
def collector(client: Client) -> Client:
    client.force_login(staff(Role.COLLECTOR))
    return client


def address_of(case: ArrearsCase, verb: str = "change") -> str:
    return reverse(f"admin:lending_arrearscase_{verb}", args=[case.pk])


def test_everything_has_words() -> None:
    for words, kind in (
        (CASE_STATES, CaseState),
        (CASE_REFUSALS, CaseRefusal),
        (CHANNELS, Channel),
        (RESULTS, ContactResult),
        (PROMISE_STATES, PromiseState),
        (PROMISE_REFUSALS, PromiseRefusal),
        (HANDOVER_REFUSALS, HandoverRefusal),
    ):
        assert set(words) == set(kind)


def test_a_collector_takes_a_case_calls_and_records_a_promise(case: ArrearsCase, collector: Client) -> None:
    home = collector.get(reverse("admin:index"))
    assertContains(home, "1 unassigned case is due")
    assertContains(collector.get(reverse(LIST), {"next": "due"}), case.merchant.name)
    assertContains(collector.post(address_of(case, "take"), follow=True), "The case is yours.")
    told = {"result": "REACHED", "channel": "CALL", "words": "pays on Friday", "next_on": ""}
    assertContains(collector.post(address_of(case, "contact"), told, follow=True), "pays on Friday")
    by = case.opened_on + timedelta(days=2)
    page = collector.post(address_of(case, "promise"), {"amount": "50.00", "due_on": by.isoformat()}, follow=True)
    assertContains(page, "Open")
    assertContains(page, "Withdraw the promise")
    case.refresh_from_db()
    assert case.next_on == by + timedelta(days=3)
    assert PaymentPromise.objects.get().amount_minor == 5_000
    assertNotContains(collector.get(reverse(LIST), {"next": "due"}), case.merchant.name)
    again = collector.get(address_of(case, "promise"))
    assertContains(again, escape(PROMISE_REFUSALS[PromiseRefusal.OPEN_ALREADY]))
    withdrawn = collector.post(address_of(case, "withdraw_promise"), {"reason": "another shop's"}, follow=True)
    assertContains(withdrawn, escape("another shop's"))


@pytest.mark.parametrize(
    ("verb", "sent", "said"),
    [
        ("promise", {"amount": "99999999.00"}, PROMISE_REFUSALS[PromiseRefusal.ABOVE_OWED]),
        ("promise", {"due_on": "2026-01-01"}, PROMISE_REFUSALS[PromiseRefusal.IN_THE_PAST]),
        ("promise", {"amount": "12,50"}, ""),
        ("contact", {"result": "NOTE"}, CASE_REFUSALS[CaseRefusal.NOTE_EMPTY]),
        ("contact", {"next_on": "2026-01-01"}, CASE_REFUSALS[CaseRefusal.NEXT_IN_THE_PAST]),
        ("contact", {"result": "SHOUTED"}, "SHOUTED"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    case: ArrearsCase, collector: Client, verb: str, sent: dict[str, str], said: str
) -> None:
    whole = {
        "promise": {"amount": "50.00", "due_on": case.opened_on.isoformat()},
        "contact": {"result": "REACHED", "channel": "CALL", "words": "", "next_on": ""},
    }
    page = collector.post(address_of(case, verb), whole[verb] | sent, follow=True)
    assertContains(page, escape(said))
    assert not PaymentPromise.objects.exists()
    assert not CaseContact.objects.exists()


def test_who_may_see_and_do_what(case: ArrearsCase, client: Client) -> None:
    for role, sees, works in (
        (Role.COLLECTOR, True, True),
        (Role.RISK_MANAGER, True, True),
        (Role.AUDITOR, True, False),
        (Role.VIEWER, False, False),
        (Role.ADMINISTRATOR, False, False),
    ):
        client.force_login(staff(role))
        assert client.get(address_of(case)).status_code == (200 if sees else 403)
        assert client.get(address_of(case, "contact")).status_code == (200 if works else 403)


def test_a_case_is_found_and_shown_where_its_borrower_is(case: ArrearsCase, client: Client) -> None:
    client.force_login(staff(Role.RISK_MANAGER))
    other = staff(Role.COLLECTOR)
    take_case(case_id=case.pk, actor=actor_of(other), now=NOW)
    for asked in ({"q": str(case)}, {"q": case.merchant.name}, {"owner": str(actor_of(other))}, {"state": "OPEN"}):
        assertContains(client.get(reverse(LIST), asked), case.merchant.name)
    assertNotContains(client.get(reverse(LIST), {"promise": "BROKEN"}), case.merchant.name)
    assertContains(client.get(reverse(LIST), {"promise": "BENT"}, follow=True), "does not know")
    for page in (
        reverse("admin:merchants_merchant_change", args=[case.merchant_id]),
        reverse("admin:lending_loan_change", args=[Loan.objects.get(merchant=case.merchant_id).pk]),
    ):
        assertContains(client.get(page), f"Arrears: {case}")
        assertContains(client.get(page), other.username)
    assertContains(client.get(address_of(case, "close")), escape(CASE_REFUSALS[CaseRefusal.STILL_LATE]))


def test_a_collector_asks_from_the_case_for_what_was_agreed_and_another_approves(
    case: ArrearsCase, collector: Client
) -> None:
    """Red if a collector could make a loan look on time alone, or had to look for the loan's own page."""
    loan = Loan.objects.get(merchant=case.merchant_id)
    page = collector.get(address_of(case))
    for verb in ("pause", "extend", "re_amortise", "re_age", "settle", "write_off"):
        assertContains(page, reverse(f"admin:lending_loan_{verb}", args=[loan.pk]))
    told = {"periods": "4", "on": case.opened_on.isoformat(), "reason": "sales are down until May"}
    sent = {**told, "step": "confirm", "seen": loan.events.count(), "sure": "1"}
    page = collector.post(reverse("admin:lending_loan_re_age", args=[loan.pk]), sent, follow=True)
    assertContains(page, ASKED)
    assert Loan.objects.get().late_since is not None
    approve_open()
    roll(case.opened_on + timedelta(days=1))
    case.refresh_from_db()
    assert case.state == CaseState.CLOSED
    assert Loan.objects.get().late_since is None


def test_whoever_only_sees_a_case_is_led_to_no_verb(case: ArrearsCase, client: Client) -> None:
    client.force_login(staff(Role.AUDITOR))
    assertNotContains(client.get(address_of(case)), "What may be agreed")


def test_a_case_is_handed_over_by_two_and_its_file_downloaded(case: ArrearsCase, collector: Client) -> None:
    told = {"agency": "Inkasso Nord", "reason": "three broken promises"}
    assertContains(collector.post(address_of(case, "hand_over"), told, follow=True), ASKED)
    assert collector.get(address_of(case, "file")).status_code == 404
    approve_open()
    page = collector.get(address_of(case))
    assertContains(page, "Inkasso Nord")
    assertContains(page, "Take back from the agency")
    assertContains(page, "Inkasso Nord has collected it since")
    assertContains(collector.get(reverse(LIST), {"agency": "yes"}), "at an agency")
    file = collector.get(address_of(case, "file"))
    assert file["Content-Disposition"].startswith(f'attachment; filename="{case}-')
    assert file.json()["case"] == str(case)
    page = collector.post(address_of(case, "take_back"), {"reason": "nothing in a month"}, follow=True)
    assertContains(page, "The case is taken back.")
    assertContains(page, "nothing in a month")
    assertNotContains(collector.get(reverse(LIST), {"agency": "yes"}), case.merchant.name)
