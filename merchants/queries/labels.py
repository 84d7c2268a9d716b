"""Words and colours for what pages of several apps show of merchants."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from merchants.domain.contact_detail import DetailKind, DetailRefusal, Language
from merchants.domain.feed import FeedSignal
from merchants.domain.payout_account import NumberForm, PayoutAccountState, VerificationRefusal
from merchants.domain.transaction import TransactionKind

ACCOUNT_STATES: Final = {
    PayoutAccountState.PENDING: (_("Waits for verification"), "tl-warn"),
    PayoutAccountState.VERIFIED: (_("Verified"), "tl-ok"),
    PayoutAccountState.REJECTED: (_("Rejected"), "tl-bad"),
    PayoutAccountState.WITHDRAWN: (_("Withdrawn"), ""),
}
VERIFICATION_REFUSALS: Final = {
    VerificationRefusal.NOT_PENDING: _("This account no longer waits for verification."),
    VerificationRefusal.NUMBER_MALFORMED: _(
        "The number does not pass the checks of its form: it has to be entered again."
    ),
    VerificationRefusal.SAME_PERSON: _("You entered this account: someone else has to verify it."),
    VerificationRefusal.HOLDER_MISMATCH: _(
        "The holder's name does not match the merchant's, as it was when the account was entered or as it is now."
    ),
    VerificationRefusal.EVIDENCE_MISSING: _("The SHA-256 is 64 digits and small letters from a to f."),
}
NUMBER_FORMS: Final = {
    NumberForm.IBAN: _("IBAN"),
    NumberForm.CNPJ: _("CNPJ"),
    NumberForm.CPF: _("CPF"),
    NumberForm.CARD: _("bank card"),
    NumberForm.UNKNOWN: _("form not known"),
}
DETAIL_KINDS: Final = {
    DetailKind.PHONE: _("Telephone"),
    DetailKind.EMAIL: _("E-mail"),
}
LANGUAGES: Final = {
    Language.EN: _("English"),
    Language.ZH: _("Chinese"),
}
DETAIL_REFUSALS: Final = {
    DetailRefusal.PHONE_MALFORMED: _("A telephone number begins with + and its country's code, like +8613800138000."),
    DetailRefusal.EMAIL_MALFORMED: _("This is not a valid e-mail address."),
    DetailRefusal.TOO_MANY: _("A merchant has at most 10 contact details: retire one first."),
    DetailRefusal.RETIRED: _("This contact detail is retired already."),
}
KINDS: Final = {
    TransactionKind.SALE: _("Sale"),
    TransactionKind.SETTLEMENT: _("Settled to the merchant"),
    TransactionKind.REFUND: _("Refund"),
    TransactionKind.CHARGEBACK: _("Chargeback"),
    TransactionKind.CHARGEBACK_WON: _("Chargeback won"),
    TransactionKind.CANCEL: _("Cancelled by the seller"),
    TransactionKind.FEE: _("Fee"),
    TransactionKind.FEE_RETURNED: _("Fee returned"),
    TransactionKind.PAYOUT: _("Payout"),
    TransactionKind.DEPOSIT: _("Deposit"),
    TransactionKind.REVIEW: _("Review"),
    TransactionKind.DISPATCH: _("Dispatch"),
}
FEED_SIGNALS: Final = {
    FeedSignal.SILENT: _("The feed is silent."),
    FeedSignal.HALVED: _("The feed has less than half of its usual sales."),
    FeedSignal.DOUBLED: _("The feed has more than twice its usual sales."),
}
OFFERS_HELD: Final = _("Offers to its merchants are held until it is back to normal.")
