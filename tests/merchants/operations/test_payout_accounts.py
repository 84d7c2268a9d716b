"""What becomes of payout accounts: rejected, withdrawn, replaced; and what a renamed merchant changes."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.approvals import ApprovalRefusal, NotApproved
from config.office.models import OperationEvent
from merchants.domain.payout_account import NAMES_COUNT_FOR, ClosingRefusal, PayoutAccountState, VerificationRefusal
from merchants.models import Merchant, Partner, PayoutAccount
from merchants.operations.merchants import enter_merchants
from merchants.operations.payout_accounts import (
    PayoutAccountNotClosed,
    PayoutAccountNotVerified,
    enter_payout_account,
    reject_payout_account,
    reveal_number,
    verification_act,
    verify_payout_account,
    withdraw_payout_account,
)
from merchants.queries.payout_accounts import get_payout_account
from tests.approvals import SECOND, approved
from tests.conftest import CLERK, EVIDENCE, NOW, VERIFIER
from tests.lending.loans import give_number
from tests.markets import make_merchants, make_partner
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
S = PayoutAccountState
PARTNER = Actor(ActorKind.PARTNER, 1)
IBANS = ("GB82WEST12345698765432", "DE89370400440532013000")
NAME = "Blue Kiln Ceramics"


def enter(number: str = IBANS[0], *, holder: str = NAME) -> PayoutAccount:
    partner = Partner.objects.first()
    if partner is None:
        partner = make_partner("kilns")
        make_merchants(partner, NAME)
    return enter_payout_account(
        partner_id=partner.pk, external_id=NAME, number=number, holder=holder, actor=PARTNER, now=NOW
    )


def verify(account: PayoutAccount, *, actor: Actor = VERIFIER) -> PayoutAccount:
    account = get_payout_account(payout_account_id=account.pk)  # its merchant as it is called now
    approval = approved(verification_act(account, evidence=EVIDENCE), actor=actor)
    return verify_payout_account(
        payout_account_id=account.pk, evidence=EVIDENCE, actor=actor, now=NOW, approval=approval
    )


def rename(name: str, *, now: datetime = NOW) -> None:
    """Let the partner call its merchant otherwise."""
    merchant = Merchant.objects.get()
    row = {"external_id": merchant.external_id, "name": name, "currency": merchant.currency}
    enter_merchants(partner_id=merchant.partner_id, rows=[row], actor=PARTNER, now=now)


def last_event() -> tuple[str, str, dict[str, object], dict[str, object]]:
    event = OperationEvent.objects.order_by("-pk")[0]
    return event.name, event.actor, event.before, event.after


def state_of(account: PayoutAccount) -> str:
    return PayoutAccount.objects.get(pk=account.pk).state


def test_a_verified_account_is_replaced_by_another_in_one_step() -> None:
    first = verify(enter(IBANS[0]))
    second = verify(enter(IBANS[1]))
    first.refresh_from_db()
    assert (first.state, second.state) == (S.WITHDRAWN, S.VERIFIED)
    assert (first.closed_by, first.verified_by) == (str(VERIFIER), str(VERIFIER))
    assert (second.follows_id, second.approved_by) == (first.pk, str(SECOND))
    withdrawn = OperationEvent.objects.get(name="merchants.withdraw_payout_account")
    assert (withdrawn.before, withdrawn.after["state"]) == ({"state": S.VERIFIED}, S.WITHDRAWN)
    assert withdrawn.after["replaced_by"] == second.pk
    assert last_event()[3]["replaces"] == first.pk


def test_a_replacement_is_approved_for_the_account_that_it_replaces() -> None:
    """Red if whoever approved a first account has approved by that the end of one that was verified meanwhile."""
    first, second = enter(IBANS[0]), enter(IBANS[1])
    approval = approved(verification_act(second, evidence=EVIDENCE), actor=VERIFIER)
    verify(first)
    before = list(PayoutAccount.objects.order_by("pk").values())
    with pytest.raises(NotApproved) as refused:
        verify_payout_account(
            payout_account_id=second.pk, evidence=EVIDENCE, actor=VERIFIER, now=NOW, approval=approval
        )
    assert refused.value.reason is ApprovalRefusal.OTHER_ACT
    assert list(PayoutAccount.objects.order_by("pk").values()) == before


def test_an_account_that_follows_a_withdrawn_one_is_a_changed_one() -> None:
    """Red if only a replacement counted: withdraw, then verify, and the days of waiting were saved."""
    first = verify(enter(IBANS[0]))
    assert first.follows_id is None
    withdraw_payout_account(payout_account_id=first.pk, actor=CLERK, now=NOW, reason="closed by its bank")
    assert verify(enter(IBANS[1])).follows_id == first.pk


def test_a_rejected_number_may_be_entered_anew() -> None:
    account = enter()
    rejected = reject_payout_account(payout_account_id=account.pk, reason=" no document ", actor=CLERK, now=NOW)
    assert (rejected.state, rejected.reason, rejected.closed_by) == (S.REJECTED, "no document", str(CLERK))
    said = {"state": S.REJECTED, "reason": "no document", "replaced_by": None}
    assert last_event() == ("merchants.reject_payout_account", str(CLERK), {"state": S.PENDING}, said)
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify(account)
    assert refused.value.reason is VerificationRefusal.NOT_PENDING
    again = enter(holder=f"{NAME} Ltd")
    assert (again.state, again.pk == account.pk) == (S.PENDING, False)
    assert enter(holder=f"{NAME} Ltd") == again


@pytest.mark.parametrize("verb", [reject_payout_account, withdraw_payout_account])
def test_staff_gives_a_reason_and_closes_an_account_once(verb: partial[PayoutAccount]) -> None:
    account = enter()
    for reason, refusal in ((" ", ClosingRefusal.REASON_MISSING), ("gone", None), ("gone", ClosingRefusal)):
        call = partial(verb, payout_account_id=account.pk, reason=reason, actor=CLERK, now=NOW)
        if refusal is None:
            call()
            continue
        with pytest.raises(PayoutAccountNotClosed) as refused:
            call()
        assert refused.value.reason in {refusal, ClosingRefusal.NOT_PENDING, ClosingRefusal.CLOSED}
    assert state_of(account) in {S.REJECTED, S.WITHDRAWN}


def test_a_partner_withdraws_only_what_waits() -> None:
    account = verify(enter())
    with pytest.raises(PayoutAccountNotClosed) as refused:
        withdraw_payout_account(payout_account_id=account.pk, actor=PARTNER, now=NOW)
    assert refused.value.reason is ClosingRefusal.NOT_PENDING
    other = enter(IBANS[1])
    withdraw_payout_account(payout_account_id=other.pk, actor=PARTNER, now=NOW)
    assert (state_of(account), state_of(other)) == (S.VERIFIED, S.WITHDRAWN)


@pytest.mark.parametrize(("then", "now"), [(NAME, "Mallory Trading"), ("Mallory Trading", NAME)])
def test_a_merchant_renamed_for_a_moment_has_no_account_of_another_holder_verified(then: str, now: str) -> None:
    """Red at main, which looked at the name of the moment: renamed by the API, verified, renamed back."""
    enter()
    reject_payout_account(payout_account_id=PayoutAccount.objects.get().pk, reason="x", actor=CLERK, now=NOW)
    rename(then)
    account = enter(IBANS[1], holder="Mallory Trading")
    rename(now)
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify(account)
    assert refused.value.reason is VerificationRefusal.HOLDER_MISMATCH
    assert PayoutAccount.objects.get(pk=account.pk).merchant_name == then


@pytest.mark.parametrize("passed", [timedelta(), NAMES_COUNT_FOR])
def test_a_merchant_renamed_from_entry_to_verification_is_known_by_its_former_name(passed: timedelta) -> None:
    """Red if only the names at entry and now counted: renamed before, verified, renamed back."""
    enter()
    reject_payout_account(payout_account_id=PayoutAccount.objects.get().pk, reason="x", actor=CLERK, now=NOW)
    rename("Mallory Trading", now=NOW - passed)
    account = enter(IBANS[1], holder="Mallory Trading")
    if passed:
        assert verify(account).state == S.VERIFIED, "for so long it has been called so"
    else:
        with pytest.raises(PayoutAccountNotVerified) as refused:
            verify(account)
        assert refused.value.reason is VerificationRefusal.HOLDER_MISMATCH


def test_the_names_then_and_now_are_kept_with_the_verification() -> None:
    account = enter()
    rename("Blue Kiln Ceramics Ltd")
    verify(account)
    name, _, before, after = last_event()
    assert name == "merchants.verify_payout_account"
    assert (before["merchant_name"], after["merchant_name"]) == (NAME, "Blue Kiln Ceramics Ltd")


def test_a_rename_after_the_request_ends_its_approval() -> None:
    account = enter()
    approval = approved(verification_act(account, evidence=EVIDENCE), actor=VERIFIER)
    rename("Blue Kiln Ceramics Ltd")
    with pytest.raises(NotApproved) as refused:
        verify_payout_account(
            payout_account_id=account.pk, evidence=EVIDENCE, actor=VERIFIER, now=NOW, approval=approval
        )
    assert refused.value.reason is ApprovalRefusal.OTHER_ACT


def test_a_number_that_no_check_would_let_in_any_more_is_not_verified() -> None:
    account = enter()
    give_number(account, "GB83WEST12345698765432")
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify(account)
    assert refused.value.reason is VerificationRefusal.NUMBER_MALFORMED


def test_who_saw_a_number_is_kept_and_the_number_is_not() -> None:
    account = enter()
    assert reveal_number(payout_account_id=account.pk, actor=VERIFIER, now=NOW) == IBANS[0]
    assert last_event() == ("merchants.reveal_payout_account", str(VERIFIER), {}, {})
    assert IBANS[0][-4:] not in str(list(OperationEvent.objects.values_list("before", "after")))


def test_of_verifying_and_withdrawing_at_once_the_second_meets_what_the_first_did() -> None:
    account = enter()
    calls = [
        partial(verify_payout_account, payout_account_id=account.pk, actor=SYSTEM, now=NOW),
        partial(withdraw_payout_account, payout_account_id=account.pk, actor=PARTNER, now=NOW),
    ]
    outcomes = race(*calls, held=Merchant.objects.all())
    assert sorted(isinstance(outcome, PayoutAccount) for outcome in outcomes) == [False, True]
    [won] = [outcome for outcome in outcomes if isinstance(outcome, PayoutAccount)]
    assert state_of(account) == won.state


@pytest.mark.parametrize("state", [S.PENDING, S.VERIFIED])
def test_a_rejected_or_withdrawn_account_is_not_opened_again_by_a_forged_row(state: S) -> None:
    account = enter()
    reject_payout_account(payout_account_id=account.pk, reason="no document", actor=CLERK, now=NOW)
    before = list(PayoutAccount.objects.values())
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        PayoutAccount.objects.update(
            state=state, closed_by=None, closed_at=None, verified_by=str(VERIFIER), verified_at=NOW
        )
    assert list(PayoutAccount.objects.values()) == before


@pytest.mark.parametrize("evidence", ["", "AB" * 32, "ab" * 31, "seen it"])
def test_staff_verify_by_a_document_that_can_be_known_again(evidence: str) -> None:
    account = enter()
    with pytest.raises(PayoutAccountNotVerified) as refused:
        verify_payout_account(payout_account_id=account.pk, evidence=evidence, actor=VERIFIER, now=NOW)
    assert refused.value.reason is VerificationRefusal.EVIDENCE_MISSING
    assert verify(account).evidence_sha256 == EVIDENCE
