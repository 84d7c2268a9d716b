"""Words for banks: files, what they say of orders, statements, and lines in suspense."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from lending.domain.books.bank_gaps import GapRefusal
from lending.domain.books.bank_lines import LineReason, ReopeningRefusal, Resolution, ResolutionRefusal
from lending.domain.books.bank_messages import AnswerHold, AnswerState, Outcome

FILE_STATES: Final = {
    "waiting": (_("To be delivered"), "tl-warn"),
    "delivered": (_("In the outbox"), "tl-ok"),
    "read": (_("Read"), "tl-ok"),
    "aside": (_("Set aside"), "tl-bad"),
    "dismissed": (_("Set aside, dealt with"), ""),
}
OUTCOMES: Final = {
    Outcome.REJECTED: _("Rejected"),
    Outcome.BOOKED: _("Booked on the account"),
    Outcome.RETURNED: _("Returned"),
}
ANSWER_STATES: Final = {
    AnswerState.NEW: (_("To be applied"), "tl-warn"),
    AnswerState.APPLIED: (_("Applied"), "tl-ok"),
    AnswerState.HELD: (_("For a person"), "tl-bad"),
    AnswerState.DEALT_WITH: (_("Dealt with"), ""),
}
ANSWER_HOLDS: Final = {
    AnswerHold.NO_ORDER: _("It is about no order of this office."),
    AnswerHold.EARLY: _("Its money came back before the bank said that it went: it is looked at again by itself."),
    AnswerHold.CONTRADICTS: _("The order ended otherwise: ask the bank what became of it."),
    AnswerHold.AMOUNT_DIFFERS: _("Another amount moved than was ordered: ask the bank."),
    AnswerHold.NOT_BOOKED: _("The loan does not take it by itself: book it on the loan by hand."),
}
LINE_REASONS: Final = {
    LineReason.NO_REFERENCE: _("No order is named, and none fits by amount and account"),
    LineReason.NO_ORDER: _("Names an order that is not this office's"),
    LineReason.OTHER_ACCOUNT: _("Names an order, and another account than that has: was the file altered on its way?"),
    LineReason.AMOUNT_DIFFERS: _("Another amount than was ordered"),
    LineReason.NOT_MOVED: _("Of an order that is not known to have moved, or to have come back"),
    LineReason.REPEATED: _("Another line has this order already"),
    LineReason.BATCH_DIFFERS: _("The orders of the file add up to another amount"),
    LineReason.MISSING: _("The balance moved by it without a line"),
}
RESOLUTIONS: Final = {
    Resolution.ORDER: _("A payout or collection of this office"),
    Resolution.ORDER_LESS_CHARGE: _("A payout or collection of this office, and what the bank took for it"),
    Resolution.REPAYMENT: _("The repayment of a loan"),
    Resolution.BOOKED: _("A repayment or refund that is booked on its loan already"),
    Resolution.PLATFORM: _("What a marketplace withheld, paid over"),
    Resolution.CHARGE: _("A fee or interest of the bank"),
    Resolution.FUNDING: _("The lender's own money, put in or taken out"),
}
RESOLUTION_REFUSALS: Final = {
    ResolutionRefusal.NOT_IN_SUSPENSE: _("This line is not in suspense."),
    ResolutionRefusal.ORDER_UNKNOWN: _("There is no such order at this bank: give its reference, 32 characters."),
    ResolutionRefusal.ORDER_NOT_MOVED: _("That order is not known to have moved: its bank has to say so first."),
    ResolutionRefusal.ORDER_HAS_LINE: _("Another line shows that order already."),
    ResolutionRefusal.NO_CHARGE: _(
        "By this line the bank took nothing for that order, or more than half of the order."
    ),
    ResolutionRefusal.AMOUNT_DIFFERS: _("That order is of another amount."),
    ResolutionRefusal.LOAN_UNKNOWN: _("There is no such loan in this currency."),
    ResolutionRefusal.NOT_A_CREDIT: _("Money left the account by this line: nobody paid it in."),
    ResolutionRefusal.REASON_MISSING: _("Please give a reason."),
}
REOPENING_REFUSALS: Final = {
    ReopeningRefusal.NOT_RESOLVED: _("Nobody said what this line is."),
    ReopeningRefusal.ON_A_LOAN: _(
        "It is booked on a loan: reverse the repayment there. The money stays paid in, for whatever loan it belongs to."
    ),
    ReopeningRefusal.REASON_MISSING: _("Please give a reason."),
}
GAP_REFUSALS: Final = {
    GapRefusal.BOOKED: _("This statement is booked."),
    GapRefusal.NOT_YET: _("This statement is of a day after the business date."),
    GapRefusal.FOLLOWS: _("It follows the last one booked: it is booked by itself."),
    GapRefusal.OLDER: _(
        "Later statements are booked. It is booked by itself if it opens where the last one before it closed, and what "
        "is missing is still in suspense."
    ),
    GapRefusal.REASON_MISSING: _("Please give a reason."),
}
