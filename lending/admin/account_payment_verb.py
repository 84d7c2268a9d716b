"""What staff do with a line that is a test payment: verify the payout account that it names."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import BASIS_POINTS
from config.office.approvals import Act
from config.office.display import Facts, Part, linked
from config.office.verbs import Asked, Effects, Verb
from config.office.words import HUNDREDTH, Words, money_with_currency, percent
from lending.domain.books.account_payment import PaymentRefusal, named_account
from lending.models import StatementLine
from lending.operations.account_payments import PaymentNotAccepted, verify_by_payment
from lending.queries.account_payments import account_of_payment, get_payment_refusal
from merchants.operations.payout_accounts import PayoutAccountNotVerified, verification_act
from merchants.queries.labels import VERIFICATION_REFUSALS
from merchants.queries.payout_accounts import get_verification_verdict, names_of, replaced_by

REFUSALS: Final = {
    PaymentRefusal.ACCOUNT_UNKNOWN: _("There is no payout account of this number."),
    PaymentRefusal.NOT_RECEIVED: _("This is no money that the bank has booked as received."),
    PaymentRefusal.BEFORE_ENTRY: _("The money came before the account was entered."),
    PaymentRefusal.NUMBER_DIFFERS: _("The money did not come from this account, or the bank does not say from which."),
    PaymentRefusal.NAME_DIFFERS: _(
        "The bank names another than the account's holder as whoever paid, or does not say who did."
    ),
}


def _why_not(line: StatementLine, asked: Asked) -> Words | None:
    account = account_of_payment(line)
    refusal = get_payment_refusal(line, account)
    if account is None or refusal is not None:
        return REFUSALS[refusal or PaymentRefusal.ACCOUNT_UNKNOWN]
    found = get_verification_verdict(account=account, verifier=asked.actor, now=asked.now, has_payment=True).refusal
    return None if found is None else VERIFICATION_REFUSALS[found]


def _about(line: StatementLine, asked: Asked) -> Sequence[Part]:
    account = account_of_payment(line)
    if account is None:
        return []
    verdict = get_verification_verdict(account=account, verifier=asked.actor, now=asked.now, has_payment=True)
    facts: list[tuple[Words, object]] = [
        (_("Payout account"), linked(account)),
        (_("Merchant"), linked(account.merchant)),
        (_("Holder"), account.holder),
        (_("Names in the last 90 days"), ", ".join(sorted(names_of(account, now=asked.now)))),
        (_("Name match"), percent(verdict.holder_score_bps, BASIS_POINTS, HUNDREDTH)),
        (_("Paid by, as the bank says"), line.name),
        (_("Amount"), money_with_currency(line.amount_minor, line.statement.currency)),
        (_("Booked on"), line.booked_on),
    ]
    return [Facts(facts)]


def _effects(line: StatementLine, asked: Asked) -> Effects:
    refusal, account = _why_not(line, asked), account_of_payment(line)
    replaced = None if account is None else replaced_by(account)
    if refusal is not None or replaced is None:
        return Effects(refusal=refusal)
    words = _t("The verified account %(account)s is withdrawn: payouts that wait for it are held.")
    return Effects(warning=words % {"account": replaced.masked_number})


def _act(line: StatementLine, _asked: Asked) -> Act | None:
    account = account_of_payment(line)
    return None if account is None else verification_act(account, payment=line)


VERIFY: Final = Verb(
    name="verify_account",
    label=_("Verify the account it came from"),
    right="merchants.verify_payoutaccount",
    done=_("The payout account is verified."),
    note=_(
        "The line names this payout account, and the bank says that the money came from it. Once verified, loans of "
        "this merchant are paid out to it. The money stays where it is booked."
    ),
    about=_about,
    effects=_effects,
    why_not=_why_not,
    offered=lambda line: named_account(line.words, line.reference) is not None,
    act=_act,
    call=lambda line, asked: verify_by_payment(
        line_id=line.pk, actor=asked.actor, now=asked.now, approval=asked.approval
    ),
    refusals={PaymentNotAccepted: REFUSALS, PayoutAccountNotVerified: VERIFICATION_REFUSALS},
)
