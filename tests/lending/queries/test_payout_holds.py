"""Why a payout does not leave is told to people: on the loan, and in the list."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from lending.admin.transfer_words import PAYOUT_HOLDS
from lending.domain.books.transfer import SILENCES, PayoutHold, TransferState
from lending.domain.origination.product_document import DAY_ONE_PRODUCT
from lending.models import Application, DayClose, Loan, Transfer
from lending.operations.payouts import claim_payout, record_payout
from lending.operations.products import enter_product
from lending.queries.transfers import payout_holds
from merchants.models import PayoutAccount
from tests.conftest import CLERK, NOW, VERIFIER
from tests.forge import forge
from tests.lending.loans import OPENED, make_loan
from tests.lending.office import staff
from tests.lending.operations.test_transfers import due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LOOPBACK_DIR", tmp_path)


def silence(_patch: pytest.MonkeyPatch) -> None:
    for _ in range(SILENCES):
        unanswered = due(make_loan())
        claim_payout(transfer_id=unanswered.pk, now=NOW)
        record_payout(transfer_id=unanswered.pk, answer=None, now=NOW)


def break_books(_patch: pytest.MonkeyPatch) -> None:
    DayClose.objects.create(day=OPENED, parts=1, state="BROKEN", started_by="system:0", started_at=NOW, finished_at=NOW)


def change_account() -> None:
    """Let the merchant have had another account before, under a product that waits for two days."""
    account = PayoutAccount.objects.get()
    forge(
        account,
        follows=PayoutAccount.objects.enter(
            merchant=account.merchant,
            number="DE89370400440532013000",
            holder=account.holder,
            merchant_name=account.holder,
            state="WITHDRAWN",
            entered_by=str(CLERK),
            entered_at=NOW,
            verified_by=str(VERIFIER),
            verified_at=NOW,
            closed_by=str(VERIFIER),
            closed_at=NOW,
        ).pk,
    )
    wait_for_changed_accounts(days=2)


def wait_for_changed_accounts(*, days: int) -> None:
    document = json.loads(DAY_ONE_PRODUCT.read_text())
    document |= {"version": 9, "origination": document["origination"] | {"account_wait_days": days}}
    product = enter_product(text=json.dumps(document), actor=SYSTEM, now=NOW)
    for loan in Loan.objects.all():
        forge(loan, product=product.pk)


HELD: dict[PayoutHold, Callable[[pytest.MonkeyPatch], object]] = {
    PayoutHold.NOT_APPROVED: lambda _: Loan.objects.update(status="CANCELLED"),
    PayoutHold.ACCOUNT_NOT_VERIFIED: lambda _: PayoutAccount.objects.update(
        state="WITHDRAWN", closed_by="staff:1", closed_at=NOW
    ),
    PayoutHold.ACCOUNT_IS_NEW: lambda _: change_account(),
    PayoutHold.COOLING_OFF: lambda _: forge(Application.objects.get(), applied_on=OPENED + timedelta(days=30)),
    PayoutHold.BOOKS_BROKEN: break_books,
    PayoutHold.NO_GATEWAY: lambda patch: patch.setattr(settings, "LOOPBACK_DIR", None),
    PayoutHold.GATEWAY_SILENT: silence,
}


@pytest.mark.parametrize("hold", HELD)
def test_a_held_payout_says_why_on_the_loan_and_in_the_list(
    hold: PayoutHold, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = due(make_loan())
    client.force_login(staff(Role.FINANCE))
    pages = [
        reverse("admin:lending_loan_change", args=[transfer.loan_id]),
        reverse("admin:lending_transfer_changelist"),
    ]
    assert payout_holds([transfer]) == {}
    for page in pages:
        assertNotContains(client.get(page), escape(PAYOUT_HOLDS[hold]))
    HELD[hold](monkeypatch)
    assert payout_holds([transfer]) == {transfer.pk: hold}
    for page in pages:
        assertContains(client.get(page), escape(PAYOUT_HOLDS[hold]))


def test_the_first_account_of_a_merchant_does_not_wait() -> None:
    transfer = due(make_loan())
    wait_for_changed_accounts(days=2)
    assert payout_holds([transfer]) == {}


def test_only_a_payout_that_was_never_sent_is_held() -> None:
    """Red if money that may have left read as held: whoever looks would send it once more."""
    transfer = due(make_loan())
    break_books(pytest.MonkeyPatch())
    assert payout_holds([transfer]) == {transfer.pk: PayoutHold.BOOKS_BROKEN}
    for state in set(TransferState) - {TransferState.DUE}:
        assert payout_holds([Transfer(pk=transfer.pk, loan_id=transfer.loan_id, kind="PAYOUT", state=state)]) == {}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_of_held_payouts_is_judged_in_as_many_queries_as_one(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    transfers = [due(make_loan()) for _ in range(rows)]
    break_books(pytest.MonkeyPatch())
    with django_assert_num_queries(5):
        assert set(payout_holds(transfers).values()) == {PayoutHold.BOOKS_BROKEN}
