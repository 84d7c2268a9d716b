"""What people do on the pages of banks: explain money, book after a gap, enter what a bank says, deal with the rest."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.verbs import ASKED
from lending.models import BankAnswer, BankFile, BankStatement, StatementLine, Transfer
from tests.approvals import approve_open
from tests.bank_messages import entry
from tests.conftest import NOW
from tests.lending.bank_files import MONDAY, account_statement, booked, filed, take, take_statement
from tests.lending.loans import proven
from tests.lending.office import staff
from tests.mock_bank import enter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finance(client: Client) -> Client:
    client.force_login(staff(Role.FINANCE))
    return client


def address_of(row: Any, verb: str) -> str:  # noqa: ANN401 - of any model
    return reverse(f"admin:lending_{row._meta.model_name}_{verb}", args=[row.pk])


def confirm(client: Client, row: Any, verb: str, **fields: str) -> Any:  # noqa: ANN401
    """Send a form, and confirm what it shows."""
    address = address_of(row, verb)
    shown = client.post(address, fields)
    seen = shown.context["step"].seen if shown.context and "step" in shown.context else ""
    return client.post(address, {**fields, "step": "confirm", "seen": seen or "", "sure": "1"}, follow=True)


def test_finance_says_what_a_line_is(finance: Client) -> None:
    take_statement()
    line = StatementLine.objects.in_suspense().get()
    charge = {"resolution": "CHARGE", "order": "", "loan": "", "reason": "the monthly fee"}
    shown = finance.post(address_of(line, "resolve"), charge)
    for words in ("Bank charges", "Suspense", "14.99 EUR"):
        assertContains(shown, words)
    assertContains(finance.post(address_of(line, "resolve"), {**charge, "resolution": "ORDER"}), "no such order")
    assertContains(confirm(finance, line, "resolve", **charge), "The line is resolved.")
    line.refresh_from_db()
    assert (line.contra_id, line.resolution) == ("BANK_CHARGES", "CHARGE")
    assert proven()
    again = finance.post(address_of(line, "resolve"), charge)
    assertContains(again, "This line is not in suspense.")


def test_finance_sees_what_a_line_does_to_a_loan_and_puts_it_back(finance: Client) -> None:
    """Red if a repayment were confirmed without a look at the loan, or another answer could not be taken back."""
    bank = enter()
    [transfer] = filed(bank, 90_000)
    take(bank, account_statement(100_000, 12_500, booked(transfer.key, 90_000), entry("25.00", side="CRDT")))
    open_day(on=MONDAY + timedelta(days=1), actor=SYSTEM, now=NOW)
    line = StatementLine.objects.in_suspense().get()
    page = reverse("admin:lending_statementline_change", args=[line.pk])
    said = {"order": "", "loan": str(transfer.loan_id), "reason": "they wrote to us"}
    assertContains(finance.get(address_of(line, "resolve")), "25.00 EUR")
    shown = finance.post(address_of(line, "resolve"), {**said, "resolution": "REPAYMENT"})
    for words in ("Suspense", "Collection clearing", "Principal", "25.00"):
        assertContains(shown, words)
    confirm(finance, line, "resolve", **said, resolution="FUNDING")
    assertContains(finance.get(page), "Put it back in suspense")
    assertContains(confirm(finance, line, "reopen", reason="it was theirs"), "The line is in suspense again.")
    line.refresh_from_db()
    assert (line.contra_id, line.resolution) == ("SUSPENSE", "")
    assert proven()


def test_a_reference_beside_another_answer_changes_nothing(finance: Client) -> None:
    """Red if the reference of an order decided where a fee is booked."""
    bank = enter()
    [transfer] = filed(bank, 1_500)
    take(bank, account_statement(100_000, 97_000, booked(transfer.key, 1_500), entry("15.00")))
    line = StatementLine.objects.in_suspense().get()
    confirm(finance, line, "resolve", resolution="CHARGE", order=transfer.key.hex, loan="", reason="a fee")
    line.refresh_from_db()
    assert (line.contra_id, line.transfer_id) == ("BANK_CHARGES", None)


def test_lines_of_one_bank_are_listed_with_other_filters(finance: Client) -> None:
    take_statement()
    listed = reverse("admin:lending_statementline_changelist")
    assertContains(finance.get(listed, {"bank": "mock-bank", "state": "suspense"}), "14.99")
    assertContains(finance.get(listed, {"bank": "mock-bank", "state": "matched"}), "1,000.00")
    both = finance.get(listed, {"reason": "REPEATED", "state": "suspense"})
    assertNotContains(both, "14.99")


def test_a_statement_is_booked_after_a_gap_by_two_people(finance: Client) -> None:
    bank = enter()
    filed(bank, 90_000)
    take(bank, account_statement(100_000, 100_000))
    open_day(on=MONDAY + timedelta(days=2), actor=SYSTEM, now=NOW)
    take(bank, account_statement(107_500, 107_500, name="T3", on=MONDAY + timedelta(days=2)))
    late = BankStatement.objects.get(statement_id="T3")
    page = reverse("admin:lending_bankstatement_change", args=[late.pk])
    assertContains(finance.get(page), "those before it are missing")
    assertContains(finance.post(address_of(late, "book_after_gap"), {"reason": "lost"}), "75.00 EUR")
    assertContains(confirm(finance, late, "book_after_gap", reason="lost"), ASKED)
    approve_open()
    late.refresh_from_db()
    assert late.booked_at is not None
    assert StatementLine.objects.in_suspense().get().amount_minor == 7_500
    assert proven()


def test_what_a_bank_said_by_letter_is_entered_by_two_people(finance: Client) -> None:
    bank = enter()
    [transfer] = filed(bank, 90_000)
    word = {"moved": "all", "on": MONDAY.isoformat(), "reason": "letter of the bank"}
    loan = transfer.loan
    early = {**word, "on": (MONDAY + timedelta(days=1)).isoformat()}
    assertContains(finance.post(address_of(loan, "word"), early), "business date")
    shown = finance.post(address_of(loan, "word"), word)
    for words in (transfer.key.hex, "900.00 EUR"):
        assertContains(shown, words)
    assertContains(confirm(finance, loan, "word", **word), ASKED)
    assert Transfer.objects.get(pk=transfer.pk).state == "PENDING"
    approve_open()
    assert Transfer.objects.get(pk=transfer.pk).state == "DONE"
    assert loan.events.get().on == MONDAY
    assert proven()


def test_files_and_answers_are_dealt_with(finance: Client) -> None:
    take_statement()
    bank = enter(cleared_within_days=6)
    broken = take(bank, b"<no>", name="broken.xml")
    answer = BankAnswer.objects.held().get()
    assertContains(finance.get(reverse("admin:lending_bankfile_changelist"), {"state": "aside"}), "broken.xml")
    assertContains(confirm(finance, broken, "read_again"), "could not be read again")
    assertContains(confirm(finance, broken, "dismiss", reason="sent anew"), "Nothing is to be done")
    assertContains(confirm(finance, answer, "deal_with", reason="asked the bank"), "is dealt with")
    assert not BankFile.objects.set_aside().exists()
    assert not BankAnswer.objects.held().exists()
