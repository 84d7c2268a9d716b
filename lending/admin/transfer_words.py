"""Words for payouts and collections, and for what holds them back."""

from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from lending.admin.words import BOOKED_MEANWHILE, VERIFIED_THE_ACCOUNT
from lending.domain.books.transfer import (
    RETURNED_WITHIN,
    PayoutHold,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferKind,
    TransferState,
    WordRefusal,
)

TRANSFER_KINDS: Final = {TransferKind.PAYOUT: _("Payout"), TransferKind.COLLECTION: _("Collection")}
TRANSFER_STATES: Final = {
    TransferState.DUE: (_("To be sent"), "tl-warn"),
    TransferState.SENT: (_("Sent"), "tl-warn"),
    TransferState.UNKNOWN: (_("No answer yet"), "tl-bad"),
    TransferState.PENDING: (_("Pending"), "tl-warn"),
    TransferState.DONE: (_("Executed"), "tl-ok"),
    TransferState.FAILED: (_("Not executed"), ""),
    TransferState.RETURNED: (_("Returned"), ""),
}
PAYOUT_HOLDS: Final = {
    PayoutHold.NO_BUSINESS_DATE: _("No business day is open: open the first one."),
    PayoutHold.NOT_APPROVED: _("The loan is not waiting for a payout."),
    PayoutHold.ACCOUNT_NOT_VERIFIED: _(
        "The payout account is not verified, or was withdrawn: have it verified under Payout accounts, or cancel the "
        "loan if another has taken its place."
    ),
    PayoutHold.HOLDER_DIFFERS: _(
        "The merchant was renamed since its payout account was verified: find out why. Cancel the loan; the merchant "
        "may be made another offer once an account matches its names."
    ),
    PayoutHold.ACCOUNT_IS_NEW: _(
        "The merchant's payout account was changed not long ago: the payout leaves by itself after the product's days."
    ),
    PayoutHold.COOLING_OFF: _(
        "The merchant may still withdraw from the contract: the payout leaves by itself afterwards."
    ),
    PayoutHold.CALENDAR_ENDS: _("The calendar of its terms does not know all due dates any more: cancel the loan."),
    PayoutHold.BOOKS_BROKEN: _(
        "The proof of the books failed: no money leaves until one holds. See the last day close."
    ),
    PayoutHold.NO_GATEWAY: _("Its payment gateway is not set up: ask whoever runs the office to set it up."),
    PayoutHold.GATEWAY_SILENT: _(
        "The bank has left the last orders unanswered: it is asked every minute, and the payout leaves once it answers."
    ),
}
RETRY_REFUSALS: Final = {
    PayoutRetryRefusal.NOT_WAITING: _("The loan is not waiting for a payout."),
    PayoutRetryRefusal.PAYOUT_UNDER_WAY: _("A payout is pending: whether its money left is not known yet."),
    PayoutRetryRefusal.LINE_NOT_ACTIVE: _("The line that is drawn on is frozen or closed."),
    PayoutRetryRefusal.VERIFIED_THE_ACCOUNT: VERIFIED_THE_ACCOUNT,
    PayoutRetryRefusal.CAME_BACK_OFTEN: _(
        "Its money came back twice: it is not sent again. Cancel the loan; the merchant may be made another offer."
    ),
    PayoutRetryRefusal.REASON_MISSING: _("Please give a reason."),
}
WORD_REFUSALS: Final = {
    WordRefusal.NOT_PENDING: _("No order of this loan is at a bank, or at its platform."),
    WordRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    WordRefusal.IN_THE_FUTURE: _("This date is after the business date."),
    WordRefusal.BEFORE_THE_ORDER: _("It was ordered after this date."),
    WordRefusal.REASON_MISSING: _("Please give a reason."),
}
RETURN_REFUSALS: Final = {
    ReturnRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    ReturnRefusal.NOT_PAID_OUT: _("No payout of this loan has been executed."),
    ReturnRefusal.COLLECTION_UNDER_WAY: _("A collection is pending: whether its money came is not known yet."),
    ReturnRefusal.IN_THE_FUTURE: _("This date is after the business date."),
    ReturnRefusal.BEFORE_THE_PAYOUT: _("The money was sent after this date."),
    ReturnRefusal.TOO_LATE: format_lazy(
        _("It was sent more than {days} days ago: no bank sends money back so late."), days=RETURNED_WITHIN.days
    ),
    ReturnRefusal.HAS_BEEN_LATE: _("The loan has been past due: taking its payout back would hide that."),
    ReturnRefusal.REASON_MISSING: _("Please give a reason."),
    ReturnRefusal.BOOKED_MEANWHILE: BOOKED_MEANWHILE,
}
