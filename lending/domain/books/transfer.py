"""What can become of money that is sent or collected through a gateway, and what holds it back."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.books.loan import LoanStatus


class TransferKind(StrEnum):
    """Which way money moves."""

    PAYOUT = "PAYOUT"
    COLLECTION = "COLLECTION"


class TransferState(StrEnum):
    """The states of a transfer.

    DUE: never sent; SENT: the gateway is being asked; UNKNOWN: it was asked and did not answer; PENDING: the bank has
    it, and reports the outcome later; DONE, FAILED: something moved, or nothing; RETURNED: it came back.
    """

    DUE = "DUE"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


OPEN_TRANSFERS: Final = frozenset({TransferState.DUE, TransferState.SENT, TransferState.UNKNOWN, TransferState.PENDING})
"""Those whose outcome is not known: no other of their kind may be created for the loan meanwhile."""

SENDABLE_TRANSFERS: Final = OPEN_TRANSFERS - {TransferState.PENDING}
"""Those that a gateway is asked for, once or again; what the bank has waits for its report."""

AWAITED_TRANSFERS: Final = OPEN_TRANSFERS - {TransferState.DUE}
"""Those that were sent: their money may have moved."""

PATIENCE: Final = timedelta(minutes=1)
"""How long a transfer being sent is left alone, as its sender may still be waiting for the answer; also how long one
that is held back waits for its next turn.
"""

BACK_OFF: Final = ((5, PATIENCE), (20, timedelta(minutes=10)))
LONGEST_WAIT: Final = timedelta(hours=1)

SILENCES: Final = 5
"""So many orders in a row without an answer mean that the gateway is down, not that one order failed."""


RETURNED_WITHIN: Final = timedelta(days=30)
"""Judgement: what a bank sends back, it sends back within days; what is taken back later is no return."""
CAME_BACK_AT_MOST: Final = 2
"""Judgement: money that came back so often is not sent again; cancel the loan, and find out why."""


class PayoutHold(StrEnum):
    """Why a payout is held back before it is first sent; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_APPROVED = "NOT_APPROVED"
    ACCOUNT_NOT_VERIFIED = "ACCOUNT_NOT_VERIFIED"
    HOLDER_DIFFERS = "HOLDER_DIFFERS"
    ACCOUNT_IS_NEW = "ACCOUNT_IS_NEW"
    COOLING_OFF = "COOLING_OFF"
    CALENDAR_ENDS = "CALENDAR_ENDS"
    BOOKS_BROKEN = "BOOKS_BROKEN"
    NO_GATEWAY = "NO_GATEWAY"
    GATEWAY_SILENT = "GATEWAY_SILENT"


class PayoutRetryRefusal(StrEnum):
    """Why a loan is neither paid out again nor cancelled; the first that applies counts."""

    NOT_WAITING = "NOT_WAITING"
    PAYOUT_UNDER_WAY = "PAYOUT_UNDER_WAY"
    LINE_NOT_ACTIVE = "LINE_NOT_ACTIVE"
    VERIFIED_THE_ACCOUNT = "VERIFIED_THE_ACCOUNT"
    CAME_BACK_OFTEN = "CAME_BACK_OFTEN"
    REASON_MISSING = "REASON_MISSING"


class WordRefusal(StrEnum):
    """Why what became of an order is not entered by hand; the first that applies counts."""

    NOT_PENDING = "NOT_PENDING"
    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    BEFORE_THE_ORDER = "BEFORE_THE_ORDER"
    REASON_MISSING = "REASON_MISSING"


class ResultRefusal(StrEnum):
    """Why what a platform says it withheld is not booked; the first that applies counts."""

    NEGATIVE = "NEGATIVE"
    ABOVE_WHAT_IS_DUE = "ABOVE_WHAT_IS_DUE"
    REPORTED_OTHERWISE = "REPORTED_OTHERWISE"


class ReturnRefusal(StrEnum):
    """Why a payout is not taken back; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_PAID_OUT = "NOT_PAID_OUT"
    COLLECTION_UNDER_WAY = "COLLECTION_UNDER_WAY"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    BEFORE_THE_PAYOUT = "BEFORE_THE_PAYOUT"
    TOO_LATE = "TOO_LATE"
    HAS_BEEN_LATE = "HAS_BEEN_LATE"
    REASON_MISSING = "REASON_MISSING"
    BOOKED_MEANWHILE = "BOOKED_MEANWHILE"


@dataclass(frozen=True, slots=True)
class Moved:
    """Money moved: how much of what was ordered, in minor units, and the gateway's words if that is less than all.

    on: when, if the gateway says so.
    """

    minor: int
    words: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """No money moved, and none will; the gateway's words say why."""

    words: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The bank has the order, under a reference of its own; the outcome comes later, in a report."""

    reference: str


Answer = Moved | Nothing | Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What an answer makes of a transfer: its state, how much moved (minor units), and words for people."""

    state: TransferState
    moved_minor: int
    words: str


def counts_on(kind: TransferKind, answer: Answer | None, *, ordered_on: date, today: date) -> date:
    """Return the date from which a transfer counts: a payout from the bank's date, a collection as it was asked for."""
    said = answer.on if kind is TransferKind.PAYOUT and isinstance(answer, Moved) else None
    return paid_on(said, ordered_on=ordered_on, today=today)


def paid_on(said: date | None, *, ordered_on: date, today: date) -> date:
    """Return the date on which money moved: the bank's, if it lies between the order and today."""
    return min(max(said or ordered_on, ordered_on), max(ordered_on, today))


def wait_after(attempts: int) -> timedelta:
    """Return how long after the last of so many sendings it is asked for again."""
    return next((wait for most, wait in BACK_OFF if attempts <= most), LONGEST_WAIT)


def judge_payout(
    *,
    today: date | None,
    status: LoanStatus,
    account_verified: bool,
    holder_matches: bool,
    account_changed_on: date | None,
    account_wait_days: int,
    applied_on: date,
    cooling_off_days: int,
    dues_known: bool,
    books_broken: bool,
    has_gateway: bool,
    gateway_silent: bool,
) -> PayoutHold | None:
    """Decide whether money may leave for a loan.

    holder_matches: the account's holder is named as the merchant is now, which may have been renamed since it was
    verified. account_changed_on: the day on which the account was verified, if the merchant had another before.
    dues_known: the loan's calendar knows all due dates, should the money leave now.
    """
    if today is None:
        return PayoutHold.NO_BUSINESS_DATE
    holds = {
        PayoutHold.NOT_APPROVED: status is not LoanStatus.APPROVED,
        PayoutHold.ACCOUNT_NOT_VERIFIED: not account_verified,
        PayoutHold.HOLDER_DIFFERS: not holder_matches,
        PayoutHold.ACCOUNT_IS_NEW: account_changed_on is not None
        and today < account_changed_on + timedelta(days=account_wait_days),
        PayoutHold.COOLING_OFF: today < applied_on + timedelta(days=cooling_off_days),
        PayoutHold.CALENDAR_ENDS: not dues_known,
        PayoutHold.BOOKS_BROKEN: books_broken,
        PayoutHold.NO_GATEWAY: not has_gateway,
        PayoutHold.GATEWAY_SILENT: gateway_silent,
    }
    return first_of(holds)


def judge_payout_retry(
    *,
    status: LoanStatus,
    under_way: bool,
    reason: str,
    line_is_active: bool = True,
    by_verifier: bool = False,
    came_back: int = 0,
) -> PayoutRetryRefusal | None:
    """Decide whether a loan whose payout failed or came back may be paid out again, or cancelled.

    line_is_active: of a loan that is drawn on a line, to which money would leave. by_verifier: whoever verified the
    account that it would go to, or approved that, has applied, asks or approves. came_back: payouts of the loan.
    """
    holds = {
        PayoutRetryRefusal.NOT_WAITING: status is not LoanStatus.APPROVED,
        PayoutRetryRefusal.PAYOUT_UNDER_WAY: under_way,
        PayoutRetryRefusal.LINE_NOT_ACTIVE: not line_is_active,
        PayoutRetryRefusal.VERIFIED_THE_ACCOUNT: by_verifier,
        PayoutRetryRefusal.CAME_BACK_OFTEN: came_back >= CAME_BACK_AT_MOST,
        PayoutRetryRefusal.REASON_MISSING: not reason.strip(),
    }
    return first_of(holds)


def judge_word(
    *, state: TransferState, on: date, ordered_on: date, today: date | None, reason: str
) -> WordRefusal | None:
    """Decide whether a person may say what became of an order: only of one that somebody has and said nothing of."""
    return first_of(
        {
            WordRefusal.NOT_PENDING: state is not TransferState.PENDING,
            WordRefusal.NO_BUSINESS_DATE: today is None,
            WordRefusal.IN_THE_FUTURE: today is not None and on > today,
            WordRefusal.BEFORE_THE_ORDER: on < ordered_on,
            WordRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def judge_result(
    *, state: TransferState, ordered_minor: int, moved_minor: int, said_minor: int
) -> ResultRefusal | None:
    """Decide whether a platform may say that it withheld so much: once, and the same as often as it likes."""
    return first_of(
        {
            ResultRefusal.NEGATIVE: said_minor < 0,
            ResultRefusal.ABOVE_WHAT_IS_DUE: said_minor > ordered_minor,
            ResultRefusal.REPORTED_OTHERWISE: state not in OPEN_TRANSFERS and moved_minor != said_minor,
        }
    )


def judge_return(
    *,
    kind: TransferKind,
    state: TransferState,
    collecting: bool,
    today: date | None,
    on: date,
    sent_on: date,
    worst_dpd: int,
    reason: str,
    seen: int | None,
    events: int | None,
    by_bank: bool = False,
) -> ReturnRefusal | None:
    """Decide whether a payout may be taken back as of a date; its effect on the loan is judged by `replay`.

    by_bank: the bank says that its money came back, which holds however late it is, and however late the loan was.

    worst_dpd: the most days that the loan ever was past due: it is not made new by hand. seen: how many events it had
    when it was shown to whoever confirms; None if it was not. events: how many it has, asked only where some were seen.
    """
    if today is None:
        return ReturnRefusal.NO_BUSINESS_DATE
    holds = {
        ReturnRefusal.NOT_PAID_OUT: (kind, state) != (TransferKind.PAYOUT, TransferState.DONE),
        ReturnRefusal.COLLECTION_UNDER_WAY: collecting,
        ReturnRefusal.IN_THE_FUTURE: on > today,
        ReturnRefusal.BEFORE_THE_PAYOUT: on < sent_on,
        ReturnRefusal.TOO_LATE: not by_bank and today > sent_on + RETURNED_WITHIN,
        ReturnRefusal.HAS_BEEN_LATE: not by_bank and worst_dpd > 0,
        ReturnRefusal.REASON_MISSING: not reason.strip(),
        ReturnRefusal.BOOKED_MEANWHILE: seen is not None and seen != events,
    }
    return first_of(holds)


def settle(kind: TransferKind, *, amount_minor: int, answer: Answer | None) -> Settlement:
    """Judge an answer, which is not trusted: None is no answer, and an impossible one counts as none.

    A payout moves whole or not at all; a collection may be filled in part.
    """
    match answer:
        case None:
            return Settlement(state=TransferState.UNKNOWN, moved_minor=0, words="no answer")
        case Pending(reference):
            return Settlement(state=TransferState.PENDING, moved_minor=0, words=reference)
        case Nothing(words):
            return Settlement(state=TransferState.FAILED, moved_minor=0, words=words)
        case Moved(minor, words, _):
            least = amount_minor if kind is TransferKind.PAYOUT else 1
            if least <= minor <= amount_minor:
                return Settlement(state=TransferState.DONE, moved_minor=minor, words=words)
            said = f"said that {minor} of {amount_minor} moved"
            return Settlement(state=TransferState.UNKNOWN, moved_minor=0, words=said)
