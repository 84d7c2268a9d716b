"""Words for letters: their states, what stops them, and why something is not done."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from lending.domain.arrears.letter import LetterRefusal, LetterState, Stop

LETTER_STATES: Final = {
    LetterState.DUE: (_("To be sent"), "tl-warn"),
    LetterState.CLAIMED: (_("Being sent"), "tl-warn"),
    LetterState.HANDED: (_("Being handed over"), "tl-warn"),
    LetterState.SENT: (_("Sent"), "tl-ok"),
    LetterState.REFUSED: (_("Could not be sent"), "tl-bad"),
    LetterState.UNKNOWN: (_("Unknown"), "tl-bad"),
    LetterState.DROPPED: (_("Dropped"), ""),
    LetterState.WITHHELD: (_("Withheld"), ""),
}
STOPS: Final = {
    Stop.CASE_CLOSED: _("The case was closed."),
    Stop.HANDED_OVER: _("An agency collects the case."),
    Stop.PAID: _("Nothing was past due any more."),
    Stop.PROMISED: _("The borrower had promised to pay."),
    Stop.PAUSED: _("A pause had been agreed."),
    Stop.DISPUTED: _("The borrower disputes the debt."),
    Stop.HARDSHIP: _("The borrower cannot pay: a person looks for a way."),
    Stop.PAID_IN_PART: _("A part had been paid: the amount was no longer true."),
    Stop.OUT_OF_DATE: _("Its figures were too old."),
}
LETTER_REFUSALS: Final = {
    LetterRefusal.CASE_CLOSED: _("The case is closed."),
    LetterRefusal.NOT_UNSETTLED: _("Only a letter that could not be sent, or that nobody knows of, is sent again."),
    LetterRefusal.NOT_TO_BE_WITHHELD: _("This letter is sent, dropped or in the hands of a worker."),
    LetterRefusal.ANOTHER_WAITS: _("Another letter to the borrower waits to be sent."),
    LetterRefusal.REASON_MISSING: _("Please give a reason."),
}
