"""Letters to borrowers in arrears: which one is written on a morning, whether it still leaves, what became of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.arrears.case import CaseState, ContactResult
from lending.domain.arrears.dunning_policy import DunningPolicy, DunningStep

REAL_PART: Final = 5
"""Judgement: a fifth of what a letter asks for."""
TRUE_FOR: Final = timedelta(days=3)
"""Judgement: figures that are older are not sent any more; the next morning writes the letter anew."""
FIRST_WAIT: Final = timedelta(minutes=5)
"""Judgement: after a mail server was out of reach, or put a letter off for the first time."""
LONGEST_WAIT: Final = timedelta(hours=8)
MOST_DEFERRALS: Final = 8
"""Judgement: after a day of being put off by the mail server, a person has to look at the address."""


class LetterState(StrEnum):
    """The states of a letter.

    DUE: waits to be sent. CLAIMED: a worker reaches for the mail server, which has not seen the letter yet. HANDED: it
    is being handed over. SENT: the mail server took it. REFUSED: it will not, or there is no address: a person has to
    do something. UNKNOWN: the worker or the connection died while it was handed over; it is not sent again by itself.
    DROPPED: it was not sent, as something stopped it; the step may be written anew. WITHHELD: a person decided that it
    is not sent, or not sent again.
    """

    DUE = "DUE"
    CLAIMED = "CLAIMED"
    HANDED = "HANDED"
    SENT = "SENT"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    DROPPED = "DROPPED"
    WITHHELD = "WITHHELD"


WAITING: Final = frozenset({LetterState.DUE, LetterState.CLAIMED, LetterState.HANDED})
"""Nobody knows yet what becomes of these; a case has one of them at most."""
UNSETTLED: Final = frozenset({LetterState.REFUSED, LetterState.UNKNOWN})
"""A person decides about these."""


class Stop(StrEnum):
    """Why a borrower gets no letter now, or one that was written is not sent; the first that applies counts."""

    CASE_CLOSED = "CASE_CLOSED"
    HANDED_OVER = "HANDED_OVER"
    PAID = "PAID"
    PROMISED = "PROMISED"
    PAUSED = "PAUSED"
    DISPUTED = "DISPUTED"
    HARDSHIP = "HARDSHIP"
    PAID_IN_PART = "PAID_IN_PART"
    OUT_OF_DATE = "OUT_OF_DATE"


class LetterRefusal(StrEnum):
    """Why a letter is neither sent again nor withheld; the first that applies counts."""

    CASE_CLOSED = "CASE_CLOSED"
    NOT_UNSETTLED = "NOT_UNSETTLED"
    NOT_TO_BE_WITHHELD = "NOT_TO_BE_WITHHELD"
    ANOTHER_WAITS = "ANOTHER_WAITS"
    REASON_MISSING = "REASON_MISSING"


class MailResult(StrEnum):
    """What a mail server made of a letter. DEFERRED: not now (4yz of RFC 5321). REFUSED: never (5yz)."""

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What a mail server made of a letter, and its words without the address."""

    result: MailResult
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """How a borrower stands, for a letter; minor units.

    late_since, due_minor: of its running loans. last_result: of the last contact that was more than a note. sent_on:
    the business dates on which letters left, lately.
    """

    case: CaseState
    late_since: date | None
    due_minor: int = 0
    is_handed_over: bool = False
    has_promise: bool = False
    is_paused: bool = False
    last_result: ContactResult | None = None
    sent_on: Collection[date] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A letter of the case that counts: neither dropped, nor of another borrower. on: the morning it was written."""

    from_days: int
    on: date
    is_waiting: bool = False


def find_stop(to: Recipient) -> Stop | None:
    """Decide whether something keeps a borrower from getting letters.

    What it disputes, and hardship, is answered by a person: until a contact with another result is recorded.
    """
    return first_of(
        {
            Stop.CASE_CLOSED: to.case is not CaseState.OPEN,
            Stop.HANDED_OVER: to.is_handed_over,
            Stop.PAID: to.late_since is None,
            Stop.PROMISED: to.has_promise,
            Stop.PAUSED: to.is_paused,
            Stop.DISPUTED: to.last_result is ContactResult.DISPUTES,
            Stop.HARDSHIP: to.last_result is ContactResult.HARDSHIP,
        }
    )


def due_step(policy: DunningPolicy, to: Recipient, written: Sequence[Written], *, on: date) -> DunningStep | None:
    """Decide which letter is written on a morning: the highest step reached, unless it or a later one was written.

    A step is reached so many days after the oldest due date that is unpaid, and what was written before that day was
    about another one: once everything is paid that the letters asked for, the ladder begins anew.
    """
    if find_stop(to) is not None or to.late_since is None or any(letter.is_waiting for letter in written):
        return None
    reached = [step for step in policy.steps if to.late_since + timedelta(days=step.from_days) <= on]
    if not reached or is_capped(policy, to.sent_on, on=on):
        return None
    step = reached[-1]
    since = to.late_since + timedelta(days=step.from_days)
    is_written = any(letter.from_days >= step.from_days and letter.on >= since for letter in written)
    return None if is_written else step


def is_capped(policy: DunningPolicy, sent_on: Collection[date], *, on: date) -> bool:
    """Whether a borrower has had so many letters lately that none leaves on a business date."""
    since = on - timedelta(days=policy.cap.days)
    return sum(day > since for day in sent_on) >= policy.cap.letters


def find_stop_of(to: Recipient, *, written_on: date, due_minor: int, late_since: date, today: date) -> Stop | None:
    """Decide whether a letter that was written is not sent any more. due_minor, late_since: what it is about.

    A borrower who paid a real part meanwhile gets no letter with another amount: the next morning writes one that is
    true. A cent a day keeps no letter back: it says as of which morning its figures are.
    """
    paid_minor = due_minor - to.due_minor
    return find_stop(to) or first_of(
        {
            Stop.PAID_IN_PART: paid_minor * REAL_PART >= due_minor,
            Stop.OUT_OF_DATE: to.late_since != late_since or is_out_of_date(written_on, today=today),
        }
    )


def is_out_of_date(written_on: date, *, today: date) -> bool:
    """Whether the figures of a letter are too old to be sent."""
    return today >= written_on + TRUE_FOR


def state_after(result: MailResult, *, deferrals: int) -> LetterState:
    """Return what a letter is after a mail server's answer; one that is put off again and again is refused.

    deferrals: how often it was put off, this time included.
    """
    if result is MailResult.DEFERRED:
        return LetterState.DUE if deferrals < MOST_DEFERRALS else LetterState.REFUSED
    return {
        MailResult.ACCEPTED: LetterState.SENT,
        MailResult.REFUSED: LetterState.REFUSED,
        MailResult.UNKNOWN: LetterState.UNKNOWN,
    }[result]


def wait_after(deferrals: int) -> timedelta:
    """Return how long a letter waits after the nth time it was put off: each time three times as long, to a bound."""
    return LONGEST_WAIT if deferrals > MOST_DEFERRALS else min(LONGEST_WAIT, FIRST_WAIT * 3 ** max(0, deferrals - 1))


def judge_sending_again(
    state: LetterState, case: CaseState, *, another_waits: bool, reason: str
) -> LetterRefusal | None:
    """Decide whether a person may have a letter sent again: one that was refused, or nobody knows of."""
    return first_of(
        {
            LetterRefusal.CASE_CLOSED: case is not CaseState.OPEN,
            LetterRefusal.NOT_UNSETTLED: state not in UNSETTLED,
            LetterRefusal.ANOTHER_WAITS: another_waits,
            LetterRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def judge_withholding(state: LetterState, *, reason: str) -> LetterRefusal | None:
    """Decide whether a person may keep a letter from being sent; not while a worker has it in hand."""
    return first_of(
        {
            LetterRefusal.NOT_TO_BE_WITHHELD: state not in UNSETTLED | {LetterState.DUE},
            LetterRefusal.REASON_MISSING: not reason.strip(),
        }
    )
