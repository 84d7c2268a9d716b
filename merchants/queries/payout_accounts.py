"""Read payout accounts."""

from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from config.db.rows import select
from config.office.actors import Actor, ActorKind
from config.office.events import subject_of
from config.office.models import OperationEvent
from merchants.domain.payout_account import (
    NAMES_COUNT_FOR,
    ClosingRefusal,
    PayoutAccountState,
    VerificationVerdict,
    judge_number,
    judge_verification,
    judge_withdrawal,
)
from merchants.models import PayoutAccount
from merchants.models.merchant import MERCHANT_CHANGED

VERIFIED: Final = """
SELECT {a} FROM merchants_payoutaccount a WHERE a.merchant_id = %(merchant)s AND a.state = 'VERIFIED'
"""


def get_payout_account(*, payout_account_id: int) -> PayoutAccount:
    """Get the account with its merchant. Raises PayoutAccount.DoesNotExist."""
    return PayoutAccount.objects.select_related("merchant").get(pk=payout_account_id)


def verified_account_of(*, merchant_id: int) -> PayoutAccount | None:
    """Get the account that a merchant is paid out to."""
    found = select(VERIFIED, {"merchant": merchant_id}, a=PayoutAccount)  # one at most, by a constraint
    return found[0][0] if found else None


def get_payout_account_of_partner(*, partner_id: int, payout_account_id: int) -> PayoutAccount:
    """Get an account of one of a partner's merchants. Raises PayoutAccount.DoesNotExist."""
    return PayoutAccount.objects.select_related("merchant").get(pk=payout_account_id, merchant__partner=partner_id)


def replaced_by(account: PayoutAccount) -> PayoutAccount | None:
    """Get the verified account of the merchant that verifying this one withdraws."""
    verified = verified_account_of(merchant_id=account.merchant_id)
    return None if verified is None or verified.pk == account.pk else verified


def verified_before(account: PayoutAccount) -> PayoutAccount | None:
    """Get the account that the merchant had verified last, whether it still is or was withdrawn."""
    known = PayoutAccount.objects.filter(merchant=account.merchant_id, verified_at__isnull=False)
    return known.exclude(pk=account.pk).order_by("verified_at", "pk").last()


def verifiers_of(account: PayoutAccount | None) -> frozenset[str]:
    """Return who verified an account and who approved that, as actors are written."""
    named = () if account is None else (account.verified_by, account.approved_by)
    return frozenset(actor for actor in named if actor is not None)


def verified_by(actor: Actor) -> QuerySet[PayoutAccount]:
    """Return the verified accounts that somebody verified, or approved that they are."""
    theirs = Q(verified_by=str(actor)) | Q(approved_by=str(actor))
    return PayoutAccount.objects.verified().filter(theirs)


def payout_accounts_of(*, merchant_id: int) -> list[PayoutAccount]:
    """List the accounts of a merchant, the last entered first."""
    return list(PayoutAccount.objects.select_related("merchant").filter(merchant=merchant_id).order_by("-pk"))


def names_of(account: PayoutAccount, *, now: datetime) -> set[str]:
    """Return what the account's merchant is called: when it was entered, now, and in the time before."""
    renamed = OperationEvent.objects.filter(
        subject=subject_of(account.merchant), name=MERCHANT_CHANGED, booked_at__gt=now - NAMES_COUNT_FOR
    )
    former = {told["name"] for event in renamed for told in (event.before, event.after)}
    return {account.merchant_name, account.merchant.name, *former}


def get_verification_verdict(
    *, account: PayoutAccount, verifier: Actor, now: datetime, evidence: str | None = None, has_payment: bool = False
) -> VerificationVerdict:
    """Judge the account as this person would find it now. evidence: what staff gave; None before they are asked.

    The preview shows this verdict and the operation enforces it, under lock: one rule, read twice.
    """
    return judge_verification(
        state=PayoutAccountState(account.state),
        number_malformed=judge_number(account.number, currency=account.merchant.currency) is not None,
        holder=account.holder,
        names=names_of(account, now=now),
        same_person=account.entered_by == str(verifier),
        evidence=evidence if verifier.kind is ActorKind.STAFF else None,
        has_payment=has_payment,
    )


def get_withdrawal_refusal(account: PayoutAccount, *, actor: Actor, reason: str) -> ClosingRefusal | None:
    """Decide whether somebody may withdraw the account."""
    by_partner = actor.kind is ActorKind.PARTNER
    return judge_withdrawal(PayoutAccountState(account.state), by_partner=by_partner, reason=reason)
