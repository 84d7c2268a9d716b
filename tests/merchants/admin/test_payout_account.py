from functools import partial

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from config.office.approvals import ApprovalRefusal, NotApproved
from config.office.models import ApprovalRequest, OperationEvent
from config.office.verbs import ASKED
from merchants.admin.payout_account import CLOSING_REFUSALS
from merchants.domain.payout_account import ClosingRefusal, PayoutAccountState, VerificationRefusal
from merchants.models import Merchant, PayoutAccount
from merchants.operations.payout_accounts import (
    enter_payout_account,
    verification_act,
    verify_payout_account,
)
from merchants.queries.labels import ACCOUNT_STATES, VERIFICATION_REFUSALS
from tests.approvals import approve_open, approved
from tests.conftest import EVIDENCE, NOW, make_user
from tests.markets import make_merchants, make_partner
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM_OF_PARTNER = Actor(ActorKind.PARTNER, 1)
NUMBER = "GB82WEST12345698765432"


def make_account(*, number: str = NUMBER, entered_by: Actor = SYSTEM_OF_PARTNER) -> PayoutAccount:
    partner = make_partner("kilns")
    make_merchants(partner, "Blue Kiln Ceramics")
    return enter_payout_account(
        partner_id=partner.pk,
        external_id="Blue Kiln Ceramics",
        number=number,
        holder="CERAMICS, Blue Kiln",
        actor=entered_by,
        now=NOW,
    )


def page(account: PayoutAccount, name: str) -> str:
    return reverse(f"admin:merchants_payoutaccount_{name}", args=[account.pk])


@pytest.fixture
def checker() -> User:
    return make_user("checker", Role.UNDERWRITER)


def test_verify_shows_the_verdict_then_verifies(client: Client, checker: User) -> None:
    account = make_account()
    client.force_login(checker)
    preview = client.get(page(account, "verify"))
    assertContains(preview, "100.00 %; at least 80.00 % is required")
    assertNotContains(preview, account.number)
    account.refresh_from_db()
    assert account.state == PayoutAccountState.PENDING

    asked = client.post(page(account, "verify"), {"evidence": EVIDENCE, "step": "confirm"}, follow=True)
    assertContains(asked, ASKED)
    account.refresh_from_db()
    assert account.state == PayoutAccountState.PENDING
    approve_open()
    account.refresh_from_db()
    assert account.verified_by == f"staff:{checker.pk}"


def test_a_request_shows_what_it_is_about_to_those_who_may_see_that(client: Client, checker: User) -> None:
    """Red if every role that sees requests saw the holders and banks' documents of payout accounts."""
    account = make_account()
    client.force_login(checker)
    client.post(page(account, "verify"), {"evidence": EVIDENCE, "step": "confirm"})
    address = reverse("admin:office_approvalrequest_change", args=[ApprovalRequest.objects.get().pk])
    assertContains(client.get(address), account.holder)
    client.force_login(make_user("vera", Role.VIEWER))
    shown = client.get(address)
    assertContains(shown, "Your role does not show what this is about.")
    assertNotContains(shown, account.holder)
    assertNotContains(shown, EVIDENCE)


def test_verify_says_why_not(client: Client, checker: User) -> None:
    own = make_account(entered_by=Actor(ActorKind.STAFF, checker.pk))
    client.force_login(checker)
    assertContains(client.get(page(own, "verify")), "someone else has to verify it")
    assertContains(
        client.post(page(own, "verify"), {"evidence": EVIDENCE}, follow=True), "someone else has to verify it"
    )
    own.refresh_from_db()
    assert own.state == PayoutAccountState.PENDING


def test_every_refusal_and_state_has_its_words() -> None:
    assert set(VERIFICATION_REFUSALS) == set(VerificationRefusal)
    assert set(CLOSING_REFUSALS) == set(ClosingRefusal)
    assert set(ACCOUNT_STATES) == set(PayoutAccountState)


@pytest.mark.parametrize("method", ["get", "post"])
def test_verify_is_another_right_than_to_view(client: Client, method: str) -> None:
    account = make_account()
    client.force_login(make_user("analyst", Role.CREDIT_ANALYST))
    before = list(OperationEvent.objects.values())
    assert client.generic(method, page(account, "verify")).status_code == 403
    account.refresh_from_db()
    assert account.state == PayoutAccountState.PENDING
    assert list(OperationEvent.objects.values()) == before


@pytest.mark.parametrize("rows", [1, 3])
def test_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, checker: User, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    for number in range(rows):
        make_account(number=f"{number}{NUMBER}")
    client.force_login(checker)
    with django_assert_num_queries(9):
        found = client.get(reverse("admin:merchants_payoutaccount_changelist"))
    assertContains(found, "**** 5432", count=rows)


def test_of_two_accounts_verified_at_once_one_is(checker: User) -> None:
    """Red without `.lock()` in verify_payout_account: the second call meets the constraint instead."""
    accounts = [make_account(), make_account(number="DE89370400440532013000")]
    calls = [
        partial(
            verify_payout_account,
            payout_account_id=account.pk,
            evidence=EVIDENCE,
            actor=Actor(ActorKind.STAFF, checker.pk),
            now=NOW,
            approval=approved(verification_act(account, evidence=EVIDENCE), actor=Actor(ActorKind.STAFF, checker.pk)),
        )
        for account in accounts
    ]
    outcomes = race(*calls, held=Merchant.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotApproved", "PayoutAccount"]
    refused = next(outcome for outcome in outcomes if isinstance(outcome, NotApproved))
    assert refused.reason is ApprovalRefusal.OTHER_ACT  # the approval is for a merchant without a verified account
    assert sorted(PayoutAccount.objects.values_list("state", flat=True)) == ["PENDING", "VERIFIED"]


def test_the_whole_number_is_shown_to_the_verifier_when_asked_for(client: Client, checker: User) -> None:
    account = make_account()
    client.force_login(checker)
    assertNotContains(client.get(page(account, "reveal")), "1234 5698")
    assert not OperationEvent.objects.filter(name="merchants.reveal_payout_account").exists()
    assertContains(client.post(page(account, "reveal"), follow=True), "GB82 WEST 1234 5698 7654 32")
    assertNotContains(client.get(page(account, "change")), "1234 5698")
    event = OperationEvent.objects.get(name="merchants.reveal_payout_account")
    assert (event.actor, event.subject) == (f"staff:{checker.pk}", f"merchants.payoutaccount:{account.pk}")


def test_a_rename_is_shown_and_needs_a_tick(client: Client, checker: User) -> None:
    """Red at main: the verifier saw one name, and not that it had been another."""
    account = make_account()
    Merchant.objects.update(name="Blue Kiln Ceramics Ltd")
    client.force_login(checker)
    sent = {"evidence": EVIDENCE, "step": "confirm"}
    shown = client.post(page(account, "verify"), sent)
    assertContains(shown, "called “Blue Kiln Ceramics” when the account was entered")
    assertContains(shown, "Blue Kiln Ceramics Ltd")
    assert not ApprovalRequest.objects.exists()
    client.post(page(account, "verify"), {**sent, "sure": "on"})
    approve_open()
    account.refresh_from_db()
    assert (account.state, account.merchant_name) == (PayoutAccountState.VERIFIED, "Blue Kiln Ceramics")


def test_the_office_rejects_withdraws_and_replaces(client: Client, checker: User) -> None:
    client.force_login(checker)
    rejected = make_account()
    client.post(page(rejected, "reject"), {"reason": "no document"})
    first = make_account()
    second = make_account(number="DE89370400440532013000")
    sent = {"evidence": EVIDENCE, "step": "confirm", "sure": "on"}
    for account in (first, second):
        client.post(page(account, "verify"), sent)
        approve_open()
    client.post(page(second, "withdraw"), {"reason": "closed by its bank"})
    found = PayoutAccount.objects.order_by("pk").values_list("state", "reason")
    assert list(found) == [("REJECTED", "no document"), ("WITHDRAWN", ""), ("WITHDRAWN", "closed by its bank")]
    assertContains(client.get(page(second, "change")), "closed by its bank")
