"""Read payout accounts."""

from config.office.actors import Actor
from merchants.domain.payout_account import PayoutAccountState, VerificationVerdict, judge_number, judge_verification
from merchants.models import PayoutAccount


def get_payout_account(*, payout_account_id: int) -> PayoutAccount:
    """Get the account with its merchant. Raises PayoutAccount.DoesNotExist."""
    return PayoutAccount.objects.select_related("merchant").get(pk=payout_account_id)


def verified_account_of(*, merchant_id: int) -> PayoutAccount | None:
    """Get the account that a merchant is paid out to."""
    return PayoutAccount.objects.verified().filter(merchant=merchant_id).first()


def verifiers_of(account: PayoutAccount | None) -> frozenset[str]:
    """Return who verified an account and who approved that, as actors are written."""
    named = () if account is None else (account.verified_by, account.approved_by)
    return frozenset(actor for actor in named if actor is not None)


def payout_accounts_of(*, merchant_id: int) -> list[PayoutAccount]:
    """List the accounts of a merchant, the last entered first."""
    return list(PayoutAccount.objects.filter(merchant=merchant_id).order_by("-pk"))


def get_verification_verdict(*, account: PayoutAccount, verifier: Actor) -> VerificationVerdict:
    """Judge the account as this person would find it now.

    The preview shows this verdict and the operation enforces it, under lock: one rule, read twice.
    """
    others = PayoutAccount.objects.verified().filter(merchant_id=account.merchant_id).exclude(pk=account.pk)
    return judge_verification(
        state=PayoutAccountState(account.state),
        number_malformed=judge_number(account.number, currency=account.merchant.currency) is not None,
        holder=account.holder,
        merchant=account.merchant.name,
        same_person=account.entered_by == str(verifier),
        other_verified=others.exists(),
    )
