"""When a borrower in arrears becomes a case for a collector, what was tried, and when the case ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from config.kernel.refusals import first_of

OPENED_FROM: Final = 3
"""Judgement: days past due. What failed for a day or two is collected by itself at the next closes."""
LATEST_ACTION: Final = timedelta(days=31)
"""Judgement: a case that nobody looks at for longer is forgotten."""


class CaseState(StrEnum):
    """The states of a case."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class CaseChange(StrEnum):
    """What a night does with a borrower's case."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"


class Channel(StrEnum):
    """How a collector tried to reach the borrower. NONE: a note for the file."""

    CALL = "CALL"
    MESSAGE = "MESSAGE"
    LETTER = "LETTER"
    VISIT = "VISIT"
    NONE = "NONE"


class ContactResult(StrEnum):
    """What came of a contact. DISPUTES: the borrower says that it does not owe this. HARDSHIP: that it cannot pay."""

    REACHED = "REACHED"
    NO_ANSWER = "NO_ANSWER"
    WRONG_CONTACT = "WRONG_CONTACT"
    REFUSES = "REFUSES"
    DISPUTES = "DISPUTES"
    HARDSHIP = "HARDSHIP"
    NOTE = "NOTE"


class CaseRefusal(StrEnum):
    """Why nothing is done with a case; the first that applies counts."""

    CLOSED = "CLOSED"
    YOURS_ALREADY = "YOURS_ALREADY"
    STILL_LATE = "STILL_LATE"
    NOTE_EMPTY = "NOTE_EMPTY"
    NEXT_IN_THE_PAST = "NEXT_IN_THE_PAST"
    NEXT_TOO_LATE = "NEXT_TOO_LATE"
    REASON_MISSING = "REASON_MISSING"


FOLLOW_UP: Final[Mapping[ContactResult, timedelta]] = MappingProxyType(
    {
        ContactResult.REACHED: timedelta(days=3),
        ContactResult.NO_ANSWER: timedelta(days=1),
        ContactResult.WRONG_CONTACT: timedelta(days=1),
        ContactResult.REFUSES: timedelta(days=7),
        ContactResult.DISPUTES: timedelta(days=2),
        ContactResult.HARDSHIP: timedelta(days=2),
    }
)
"""Judgement: how long after a contact somebody looks at the case again, unless the collector says when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What a borrower owes on all its loans, and how late it is; minor units.

    late_since: the oldest due date that running loans are late since; None if none is late. due_minor: what is due and
    unpaid on running loans. claim_minor: what is owed on written-off ones. owed_minor: what would settle all of them.
    principal_minor: the part of that which was lent.
    """

    late_since: date | None = None
    dpd: int = 0
    due_minor: int = 0
    claim_minor: int = 0
    owed_minor: int = 0
    principal_minor: int = 0


def judge_debt(debt: Debt, *, has_case: bool) -> CaseChange | None:
    """Decide what a night does: a case is opened for a running loan that is late, and closed once nothing is.

    A loan that is written off opens none, and keeps one that there is.
    """
    if not has_case:
        return CaseChange.OPEN if debt.dpd >= OPENED_FROM else None
    return CaseChange.CLOSE if not debt.dpd and not debt.claim_minor else None


def judge_taking(state: CaseState, *, is_owner: bool) -> CaseRefusal | None:
    """Decide whether a collector may take a case on; from somebody else, too."""
    return first_of({CaseRefusal.CLOSED: state is CaseState.CLOSED, CaseRefusal.YOURS_ALREADY: is_owner})


def judge_contact(
    state: CaseState, *, result: ContactResult, words: str, next_on: date | None, today: date
) -> CaseRefusal | None:
    """Decide whether a contact is recorded. next_on: when the collector wants to look again, if they say."""
    return first_of(
        {
            CaseRefusal.CLOSED: state is CaseState.CLOSED,
            CaseRefusal.NOTE_EMPTY: result is ContactResult.NOTE and not words.strip(),
            CaseRefusal.NEXT_IN_THE_PAST: next_on is not None and next_on < today,
            CaseRefusal.NEXT_TOO_LATE: next_on is not None and next_on > today + LATEST_ACTION,
        }
    )


def judge_closing(state: CaseState, *, dpd: int, reason: str) -> CaseRefusal | None:
    """Decide whether a person may close a case: only one of written-off loans, as a night would open the others anew.

    dpd: of the running loans.
    """
    return first_of(
        {
            CaseRefusal.CLOSED: state is CaseState.CLOSED,
            CaseRefusal.STILL_LATE: dpd > 0,
            CaseRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def next_action(result: ContactResult, *, today: date, planned: date, asked: date | None) -> date:
    """Return when somebody looks at the case next: as the collector asked, as planned for a note, or by the result."""
    if asked is not None:
        return asked
    return planned if result is ContactResult.NOTE else today + FOLLOW_UP[result]
