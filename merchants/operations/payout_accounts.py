"""Enter and verify the accounts that merchants are paid out to."""

from datetime import datetime

from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from merchants.domain.payout_account import (
    EntryRefusal,
    PayoutAccountState,
    VerificationRefusal,
    canonical_number,
    judge_number,
)
from merchants.models import Merchant, PayoutAccount
from merchants.queries.payout_accounts import get_payout_account, get_verification_verdict


class PayoutAccountNotEntered(Refused[EntryRefusal]):
    """The account was not entered."""


class PayoutAccountNotVerified(Refused[VerificationRefusal]):
    """The account was not verified."""


def enter_payout_account(
    *, partner_id: int, external_id: str, number: str, holder: str, actor: Actor, now: datetime
) -> PayoutAccount:
    """Enter an account of a partner's merchant, or return the existing one.

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
        known = PayoutAccount.objects.filter(merchant=merchant, number=canonical).first()
        if known is not None:
            if known.holder != holder:
                raise PayoutAccountNotEntered(EntryRefusal.HOLDER_DIFFERS)
            return known
        account = PayoutAccount.objects.create(
            merchant=merchant,
            number=canonical,
            holder=holder,
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


def verification_act(account: PayoutAccount) -> Act:
    """Return what a second person has to approve before an account is verified."""
    return Act(operation="merchants.verify_payout_account", subject=account)


def verify_payout_account(
    *, payout_account_id: int, actor: Actor, now: datetime, approval: Approval | None = None
) -> PayoutAccount:
    """Verify an account that another person entered, so that it may be paid to.

    Raises PayoutAccountNotVerified, NotApproved, Contended, Merchant.DoesNotExist.
    """
    with operation():
        # The merchant is locked, not the account: "one verified account" is a rule over all its accounts.
        Merchant.objects.owning(payout_account_id).lock().get()
        account = get_payout_account(payout_account_id=payout_account_id)
        verdict = get_verification_verdict(account=account, verifier=actor)
        if verdict.refusal is not None:
            raise PayoutAccountNotVerified(verdict.refusal)
        require_approval(verification_act(account), approval, actor=actor, now=now)
        # Guarded although locked: a writer that forgot the lock is caught here, not in the books.
        pending = PayoutAccount.objects.pending().filter(pk=account.pk)
        require_one(
            pending.update(
                state=PayoutAccountState.VERIFIED,
                verified_by=str(actor),
                verified_at=now,
                approved_by=None if approval is None else str(approval.by),
            )
        )
        record_event(
            name="merchants.verify_payout_account",
            subject=account,
            actor=actor,
            before={"state": account.state},
            after={"state": PayoutAccountState.VERIFIED, "holder_score_bps": verdict.holder_score_bps},
            now=now,
        )
        return get_payout_account(payout_account_id=account.pk)
