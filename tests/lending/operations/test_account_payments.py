"""A payout account is verified by money that came from it, and by no other money."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.kernel.money import format_minor
from config.office.actors import Actor, ActorKind
from config.office.approvals import NotApproved
from config.office.verbs import ASKED
from lending.admin.account_payment_verb import REFUSALS
from lending.domain.books.account_payment import PaymentRefusal
from lending.models import StatementLine
from lending.operations.account_payments import PaymentNotAccepted, verify_by_payment
from lending.queries.account_payments import account_of_payment, get_payment_refusal
from merchants.domain.payout_account import PayoutAccountState, VerificationRefusal, payment_reference
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import (
    PayoutAccountNotVerified,
    enter_payout_account,
    verification_act,
)
from tests.approvals import approve_open, approved
from tests.bank_messages import entry
from tests.conftest import NOW, VERIFIER
from tests.forge import forge
from tests.lending.bank_files import account_statement, filed, take
from tests.lending.loans import proven
from tests.lending.office import staff
from tests.mock_bank import enter, iban, profile

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "DE89370400440532013000"


def entered(number: str = NUMBER) -> PayoutAccount:
    """Enter an account for a merchant that has another verified, at a bank that has paid a loan out to that."""
    filed(enter(), 90_000)
    merchant = PayoutAccount.objects.select_related("merchant").get().merchant
    partner = Actor(ActorKind.PARTNER, merchant.partner_id)
    return enter_payout_account(
        partner_id=merchant.partner_id,
        external_id=merchant.external_id,
        number=number,
        holder=merchant.name,
        actor=partner,
        now=NOW,
    )


def received(words: str, *, name: str, number: str = NUMBER, minor: int = 1, side: str = "CRDT") -> StatementLine:
    """Take a statement with one payment, and get its line."""
    party, other = ("Dbtr", "Cdtr") if side == "CRDT" else ("Cdtr", "Dbtr")
    account = f"<{party}Acct><Id><IBAN>{number}</IBAN></Id></{party}Acct>" if number else ""
    who = f"<{other}><Pty><Nm>We</Nm></Pty></{other}><{party}><Pty><Nm>{name}</Nm></Pty></{party}>{account}"
    said = f"<RltdPties>{who}</RltdPties><RmtInf><Ustrd>{words}</Ustrd></RmtInf>"
    detail = f"<TxDtls><Refs/>{said}</TxDtls>"
    closing = 10**9 + (minor if side == "CRDT" else -minor)
    take(profile(), account_statement(10**9, closing, entry(format_minor(minor, "EUR"), detail, side=side)))
    return StatementLine.objects.get(place=0)


def verify(line: StatementLine, *, actor: Actor = VERIFIER) -> PayoutAccount:
    account = account_of_payment(line)
    act = None if account is None else verification_act(account, payment=line)
    return verify_by_payment(line_id=line.pk, actor=actor, now=NOW, approval=approved(act, actor=actor))


@pytest.mark.parametrize("spelt", ["{}", "Test payment {} from us", "test account 000{0.pk}", "ACCOUNT/{0.pk}"])
def test_an_account_is_verified_by_money_that_came_from_it(spelt: str) -> None:
    account = entered()
    words = spelt.format(payment_reference(account.pk) if spelt.count("{}") else account)
    line = received(words, name=account.holder.upper())
    found = verify(line)
    assert (found.pk, found.state) == (account.pk, PayoutAccountState.VERIFIED)
    assert (found.evidence_payment, found.evidence_sha256) == (f"lending.statementline:{line.pk}", "")
    assert PayoutAccount.objects.filter(merchant=account.merchant_id, state=PayoutAccountState.VERIFIED).count() == 1
    assert proven()
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify(line)
    assert refused.value.reason is VerificationRefusal.NOT_PENDING


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"words": "rent"}, PaymentRefusal.ACCOUNT_UNKNOWN),
        ({"words": "ACCOUNT-{pk} ACCOUNT-1{pk}"}, PaymentRefusal.ACCOUNT_UNKNOWN),
        ({"words": "ACCOUNT-1{pk}"}, PaymentRefusal.ACCOUNT_UNKNOWN),
        ({"words": "SUBACCOUNT-{pk}"}, PaymentRefusal.ACCOUNT_UNKNOWN),
        ({"side": "DBIT"}, PaymentRefusal.NOT_RECEIVED),
        ({"number": iban(7)}, PaymentRefusal.NUMBER_DIFFERS),
        ({"number": ""}, PaymentRefusal.NUMBER_DIFFERS),
        ({"name": "Somebody Else"}, PaymentRefusal.NAME_DIFFERS),
    ],
)
def test_no_other_money_verifies_it(line: dict[str, str], why: PaymentRefusal) -> None:
    """Red if what an account paid for anything verified it, or whoever knows a number could enter it as theirs."""
    account = entered()
    words = line.pop("words", "ACCOUNT-{pk}").format(pk=account.pk)
    found = received(words, **{"name": account.holder} | line)  # type: ignore[arg-type] # texts
    with pytest.raises(PaymentNotAccepted) as refused:
        verify(found)
    assert refused.value.reason is why
    assert PayoutAccount.objects.get(pk=account.pk).state == PayoutAccountState.PENDING


def test_money_from_before_the_entry_verifies_nothing() -> None:
    account = entered()
    line = received(payment_reference(account.pk), name=account.holder)
    forge(account, entered_at=NOW + timedelta(days=9))
    assert get_payment_refusal(line, account_of_payment(line)) is PaymentRefusal.BEFORE_ENTRY


def test_nobody_verifies_alone_nor_what_they_entered() -> None:
    account = entered()
    line = received(payment_reference(account.pk), name=account.holder)
    with pytest.raises(NotApproved):
        verify_by_payment(line_id=line.pk, actor=VERIFIER, now=NOW)
    forge(account, entered_by=str(VERIFIER))
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify(line)
    assert refused.value.reason is VerificationRefusal.SAME_PERSON


def test_an_underwriter_verifies_by_a_line_and_another_person_approves(client: Client) -> None:
    account = entered()
    line = received(payment_reference(account.pk), name=account.holder)
    client.force_login(staff(Role.UNDERWRITER))
    page = client.get(reverse("admin:merchants_payoutaccount_change", args=[account.pk]))
    assertContains(page, payment_reference(account.pk))
    address = reverse("admin:lending_statementline_verify_account", args=[line.pk])
    assertContains(client.get(reverse("admin:lending_statementline_change", args=[line.pk])), address)
    shown = client.get(address)
    assertContains(shown, account.masked_number)
    assertContains(shown, "is withdrawn")
    assertNotContains(shown, NUMBER)
    assertContains(client.post(address, {"step": "confirm", "seen": "", "sure": "1"}, follow=True), ASKED)
    approve_open()
    account.refresh_from_db()
    assert account.state == PayoutAccountState.VERIFIED
    assert account.approved_by not in {None, account.verified_by}
    assertContains(
        client.get(reverse("admin:merchants_payoutaccount_change", args=[account.pk])), f"Statement line {line.pk}"
    )
    assertContains(client.get(address), "no longer waits")


def test_the_office_says_why_a_line_does_not_verify(client: Client) -> None:
    account = entered()
    line = received(payment_reference(account.pk), name="Somebody Else")
    client.force_login(staff(Role.UNDERWRITER))
    page = client.get(reverse("admin:lending_statementline_verify_account", args=[line.pk]))
    assertContains(page, escape(REFUSALS[PaymentRefusal.NAME_DIFFERS]))
