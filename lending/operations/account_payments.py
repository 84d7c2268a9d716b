"""Verify payout accounts by payments that came from them."""

from datetime import datetime

from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Approval
from lending.domain.books.account_payment import PaymentRefusal
from lending.models import StatementLine
from lending.queries.account_payments import account_of_payment, get_payment_refusal
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import verify_payout_account


class PaymentNotAccepted(Refused[PaymentRefusal]):
    """The payment does not show whose account it came from."""


def verify_by_payment(*, line_id: int, actor: Actor, now: datetime, approval: Approval | None = None) -> PayoutAccount:
    """Verify the account that a line of a statement names, by the money that came from it.

    What a line and an account say never changes, so neither is locked here; `verify_payout_account` locks the merchant.
    Raises PaymentNotAccepted, PayoutAccountNotVerified, NotApproved, Contended, StatementLine.DoesNotExist.
    """
    line = StatementLine.objects.get(pk=line_id)
    account = account_of_payment(line)
    refusal = get_payment_refusal(line, account)
    if account is None or refusal is not None:
        raise PaymentNotAccepted(refusal or PaymentRefusal.ACCOUNT_UNKNOWN)
    return verify_payout_account(payout_account_id=account.pk, payment=line, actor=actor, now=now, approval=approval)
