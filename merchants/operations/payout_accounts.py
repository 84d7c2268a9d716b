"""Enter, verify, reject and withdraw the accounts that merchants are paid out to."""

from datetime import datetime

from django.db.models import Model

from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event, subject_of
from merchants.domain.payout_account import (
    ClosingRefusal,
    EntryRefusal,
    PayoutAccountState,
    VerificationRefusal,
    canonical_number,
    judge_number,
    judge_rejection,
)
from merchants.models import Merchant, PayoutAccount
from merchants.queries.payout_accounts import (
    get_payout_account,
    get_verification_verdict,
    get_withdrawal_refusal,
    replaced_by,
    verified_before,
)


class PayoutAccountNotEntered(Refused[EntryRefusal]):
    """The account was not entered."""


class PayoutAccountNotVerified(Refused[VerificationRefusal]):
    """The account was not verified."""


class PayoutAccountNotClosed(Refused[ClosingRefusal]):
    """The account was neither rejected nor withdrawn."""


def enter_payout_account(
    *, partner_id: int, external_id: str, number: str, holder: str, actor: Actor, now: datetime
) -> PayoutAccount:
    """Enter an account of a partner's merchant, or return the one that waits or is verified already.

    Raises PayoutAccountNotEntered, Contended, Merchant.DoesNotExist.
    """
    canonical = canonical_number(number)
    if canonical is None:
        raise PayoutAccountNotEntered(EntryRefusal.NUMBER_MALFORMED)
    with operation():
        merchant = Merchant.objects.of(partner_id).filter(external_id=external_id).lock().get()
        malformed = judge_number(canonical, currency=merchant.currency)
        if malformed is not None:
            raise PayoutAccountNotEntered(malformed)
        # Not get_or_create: it would return an account of another holder as if it were this one.
        known = PayoutAccount.objects.open().numbered(canonical, merchant_id=merchant.pk).first()
        if known is not None:
            if known.holder != holder:
                raise PayoutAccountNotEntered(EntryRefusal.HOLDER_DIFFERS)
            return known
        account = PayoutAccount.objects.enter(
            merchant=merchant,
            number=canonical,
            holder=holder,
            merchant_name=merchant.name,
            state=PayoutAccountState.PENDING,
            entered_by=str(actor),
            entered_at=now,
        )
        record_event(
            name="merchants.enter_payout_account",
            subject=account,
            actor=actor,
            before={},
            after={"state": account.state, "merchant": merchant.pk},
            now=now,
        )
        return account


def verification_act(account: PayoutAccount, *, evidence: str = "", payment: Model | None = None) -> Act:
    """Return what a second person has to approve before an account is verified, on the page of what shows it."""
    replaced = replaced_by(account)
    return Act(
        operation="merchants.verify_payout_account",
        subject=payment or account,
        arguments={
            "merchant": account.merchant.name,
            "replaces": None if replaced is None else replaced.pk,
            "evidence": evidence,
            **({} if payment is None else {"account": account.pk}),
        },
    )


def verify_payout_account(
    *,
    payout_account_id: int,
    actor: Actor,
    now: datetime,
    evidence: str = "",
    payment: Model | None = None,
    approval: Approval | None = None,
) -> PayoutAccount:
    """Verify an account that another person entered, so that it may be paid to; one verified before is withdrawn.

    evidence: the SHA-256 of the bank's document that a member of staff has seen, and keeps. payment: in its place, the
    row of a test payment that whoever calls has judged.
    Raises PayoutAccountNotVerified, NotApproved, Contended, Merchant.DoesNotExist.
    """
    with operation():
        account = _locked(payout_account_id)
        verdict = get_verification_verdict(
            account=account, verifier=actor, now=now, evidence=evidence, has_payment=payment is not None
        )
        if verdict.refusal is not None:
            raise PayoutAccountNotVerified(verdict.refusal)
        require_approval(verification_act(account, evidence=evidence, payment=payment), approval, actor=actor, now=now)
        before, replaced = verified_before(account), replaced_by(account)
        shown_by = "" if payment is None else subject_of(payment)
        if replaced is not None:
            _close(replaced, PayoutAccountState.WITHDRAWN, by=account, reason="", actor=actor, now=now)
        # Guarded although locked: a writer that forgot the lock is caught here, not in the books.
        pending = PayoutAccount.objects.pending().filter(pk=account.pk)
        require_one(
            pending.update(
                state=PayoutAccountState.VERIFIED,
                verified_by=str(actor),
                verified_at=now,
                approved_by=None if approval is None else str(approval.by),
                follows=before,
                evidence_sha256=evidence,
                evidence_payment=shown_by,
            )
        )
        record_event(
            name="merchants.verify_payout_account",
            subject=account,
            actor=actor,
            before={"state": account.state, "merchant_name": account.merchant_name},
            after={
                "state": PayoutAccountState.VERIFIED,
                "merchant_name": account.merchant.name,
                "holder_score_bps": verdict.holder_score_bps,
                "evidence_sha256": evidence,
                "evidence_payment": shown_by,
                "replaces": None if replaced is None else replaced.pk,
            },
            now=now,
        )
        return get_payout_account(payout_account_id=account.pk)


def reject_payout_account(*, payout_account_id: int, reason: str, actor: Actor, now: datetime) -> PayoutAccount:
    """Reject an account that waits for verification.

    Raises PayoutAccountNotClosed, Contended, Merchant.DoesNotExist.
    """
    with operation():
        account = _locked(payout_account_id)
        refusal = judge_rejection(PayoutAccountState(account.state), reason=reason)
        if refusal is not None:
            raise PayoutAccountNotClosed(refusal)
        _close(account, PayoutAccountState.REJECTED, reason=reason, actor=actor, now=now)
        return get_payout_account(payout_account_id=account.pk)


def withdraw_payout_account(*, payout_account_id: int, actor: Actor, now: datetime, reason: str = "") -> PayoutAccount:
    """Withdraw an account, so that nothing is paid to it. Payouts that wait for it are held.

    Raises PayoutAccountNotClosed, Contended, Merchant.DoesNotExist.
    """
    with operation():
        account = _locked(payout_account_id)
        refusal = get_withdrawal_refusal(account, actor=actor, reason=reason)
        if refusal is not None:
            raise PayoutAccountNotClosed(refusal)
        _close(account, PayoutAccountState.WITHDRAWN, reason=reason, actor=actor, now=now)
        return get_payout_account(payout_account_id=account.pk)


def reveal_number(*, payout_account_id: int, actor: Actor, now: datetime) -> str:
    """Return the whole number of an account, and record that it was shown. Raises PayoutAccount.DoesNotExist."""
    with operation():
        account = get_payout_account(payout_account_id=payout_account_id)
        record_event(name="merchants.reveal_payout_account", subject=account, actor=actor, before={}, after={}, now=now)
        return account.number


def _locked(payout_account_id: int) -> PayoutAccount:
    # The merchant is locked, not the account: "one verified account" is a rule over all its accounts.
    Merchant.objects.owning(payout_account_id).lock().get()
    return get_payout_account(payout_account_id=payout_account_id)


def _close(
    account: PayoutAccount,
    state: PayoutAccountState,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    by: PayoutAccount | None = None,
) -> None:
    """Close an account; by: another that is verified in its place."""
    still_open = PayoutAccount.objects.open().filter(pk=account.pk, state=account.state)
    require_one(still_open.update(state=state, closed_by=str(actor), closed_at=now, reason=reason.strip()))
    verb = "reject" if state is PayoutAccountState.REJECTED else "withdraw"
    record_event(
        name=f"merchants.{verb}_payout_account",
        subject=account,
        actor=actor,
        before={"state": account.state},
        after={"state": state, "reason": reason.strip(), "replaced_by": None if by is None else by.pk},
        now=now,
    )
