"""Words for cases of arrears: contacts, their results, promises, and why something is not done."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from lending.domain.arrears.case import CaseRefusal, CaseState, Channel, ContactResult
from lending.domain.arrears.handover import HandoverRefusal
from lending.domain.arrears.promise import PromiseRefusal, PromiseState

CASE_STATES: Final = {
    CaseState.OPEN: (_("Open"), "tl-warn"),
    CaseState.CLOSED: (_("Closed"), ""),
}
CHANNELS: Final = {
    Channel.CALL: _("Call"),
    Channel.MESSAGE: _("Message"),
    Channel.LETTER: _("Letter"),
    Channel.VISIT: _("Visit"),
    Channel.NONE: _("No contact"),
}
RESULTS: Final = {
    ContactResult.REACHED: _("Spoke with the borrower"),
    ContactResult.NO_ANSWER: _("No answer"),
    ContactResult.WRONG_CONTACT: _("Wrong number or address"),
    ContactResult.REFUSES: _("Refuses to pay"),
    ContactResult.DISPUTES: _("Disputes the debt"),
    ContactResult.HARDSHIP: _("Cannot pay: hardship"),
    ContactResult.NOTE: _("Note for the file"),
}
PROMISE_STATES: Final = {
    PromiseState.OPEN: (_("Open"), "tl-warn"),
    PromiseState.KEPT: (_("Kept"), "tl-ok"),
    PromiseState.PARTLY: (_("Partly kept"), "tl-warn"),
    PromiseState.BROKEN: (_("Broken"), "tl-bad"),
    PromiseState.WITHDRAWN: (_("Withdrawn"), ""),
}
CASE_REFUSALS: Final = {
    CaseRefusal.CLOSED: _("This case is closed."),
    CaseRefusal.YOURS_ALREADY: _("You work on this case already."),
    CaseRefusal.STILL_LATE: _("A running loan is still past due: the night closes the case once nothing is."),
    CaseRefusal.NOTE_EMPTY: _("Please write the note."),
    CaseRefusal.NEXT_IN_THE_PAST: _("The next action cannot be in the past."),
    CaseRefusal.NEXT_TOO_LATE: _("The next action must be within 31 days."),
    CaseRefusal.REASON_MISSING: _("Please give a reason."),
}
PROMISE_REFUSALS: Final = {
    PromiseRefusal.CASE_CLOSED: _("This case is closed."),
    PromiseRefusal.HANDED_OVER: _("An agency collects this case: take it back first."),
    PromiseRefusal.OPEN_ALREADY: _("There is an open promise already: withdraw it if it was recorded wrongly."),
    PromiseRefusal.NOT_POSITIVE: _("The amount must be above zero."),
    PromiseRefusal.ABOVE_OWED: _("This is more than the borrower owes on all its loans."),
    PromiseRefusal.IN_THE_PAST: _("A promise cannot fall due in the past."),
    PromiseRefusal.TOO_LATE: _("A promise must fall due within 31 days."),
    PromiseRefusal.NOT_OPEN: _("There is no open promise."),
    PromiseRefusal.REASON_MISSING: _("Please give a reason."),
}
HANDOVER_REFUSALS: Final = {
    HandoverRefusal.CASE_CLOSED: _("This case is closed."),
    HandoverRefusal.HANDED_OVER_ALREADY: _("An agency collects this case already."),
    HandoverRefusal.NOTHING_TO_COLLECT: _("Nothing is past due, and nothing that was written off is owed."),
    HandoverRefusal.NOT_HANDED_OVER: _("No agency collects this case."),
    HandoverRefusal.AGENCY_MISSING: _("Please name the agency."),
    HandoverRefusal.REASON_MISSING: _("Please give a reason."),
}
