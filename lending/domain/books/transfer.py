"""What can become of money that is sent or fetched through a gateway, and what holds it back."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.books.loan import LoanStatus


class TransferKind(StrEnum):
    """The ways that money moves."""

    PAYOUT = "PAYOUT"
    COLLECTION = "COLLECTION"


class TransferState(StrEnum):
    """The states of a transfer: to be sent, under way, without an answer, done, refused, come back."""

    DUE = "DUE"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


OPEN_TRANSFERS: Final = frozenset({TransferState.DUE, TransferState.SENT, TransferState.UNKNOWN})
"""Those whose outcome is not known: no other one of its kind may be made for the loan meanwhile."""

PATIENCE: Final = timedelta(minutes=1)
"""How long a sending is left alone: whoever sent may still be waiting for the answer."""

BACK_OFF: Final = {5: PATIENCE, 20: timedelta(minutes=10), 32_767: timedelta(hours=1)}
"""How long after the last sending an answer is asked for again, by the number of sendings up to then."""

SILENCES: Final = 5
"""So many orders in a row without an answer mean that it is the gateway that is down, not one order."""


class PayoutHold(StrEnum):
    """What holds a payout back before it is first sent; the first that holds counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_APPROVED = "NOT_APPROVED"
    ACCOUNT_NOT_VERIFIED = "ACCOUNT_NOT_VERIFIED"
    COOLING_OFF = "COOLING_OFF"
    BOOKS_BROKEN = "BOOKS_BROKEN"


class PayoutRetryRefusal(StrEnum):
    """The reasons for which a loan is neither paid out again nor given up; the first that holds counts."""

    NOT_WAITING = "NOT_WAITING"
    PAYOUT_UNDER_WAY = "PAYOUT_UNDER_WAY"
    REASON_MISSING = "REASON_MISSING"


class ReturnRefusal(StrEnum):
    """The reasons for which a payout is not taken back; the first that holds counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NOT_PAID_OUT = "NOT_PAID_OUT"
    COLLECTION_UNDER_WAY = "COLLECTION_UNDER_WAY"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    BEFORE_THE_PAYOUT = "BEFORE_THE_PAYOUT"
    REASON_MISSING = "REASON_MISSING"
    BOOKED_MEANWHILE = "BOOKED_MEANWHILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What an answer makes of a transfer: its state, how much moved (minor units), and words for people."""

    state: TransferState
    moved_minor: int
    words: str


def judge_payout(
    *,
    today: date | None,
    status: LoanStatus,
    account_verified: bool,
    applied_on: date,
    cooling_off_days: int,
    books_broken: bool,
) -> PayoutHold | None:
    """Judge whether money may leave for a loan."""
    if today is None:
        return PayoutHold.NO_BUSINESS_DATE
    holds = {
        PayoutHold.NOT_APPROVED: status is not LoanStatus.APPROVED,
        PayoutHold.ACCOUNT_NOT_VERIFIED: not account_verified,
        PayoutHold.COOLING_OFF: today < applied_on + timedelta(days=cooling_off_days),
        PayoutHold.BOOKS_BROKEN: books_broken,
    }
    return first_of(holds)


def judge_payout_retry(*, status: LoanStatus, under_way: bool, reason: str) -> PayoutRetryRefusal | None:
    """Judge whether a loan whose payout failed or came back may be paid out again, or given up."""
    holds = {
        PayoutRetryRefusal.NOT_WAITING: status is not LoanStatus.APPROVED,
        PayoutRetryRefusal.PAYOUT_UNDER_WAY: under_way,
        PayoutRetryRefusal.REASON_MISSING: not reason.strip(),
    }
    return first_of(holds)


def judge_return(
    *,
    kind: TransferKind,
    state: TransferState,
    collecting: bool,
    today: date | None,
    on: date,
    sent_on: date,
    reason: str,
    seen: int | None,
    events: int,
) -> ReturnRefusal | None:
    """Judge whether a payout may be taken back as of a date; what it does to the loan, `replay` judges.

    seen: how many events the loan had when whoever confirms was shown it; None if nobody was.
    """
    if today is None:
        return ReturnRefusal.NO_BUSINESS_DATE
    holds = {
        ReturnRefusal.NOT_PAID_OUT: (kind, state) != (TransferKind.PAYOUT, TransferState.DONE),
        ReturnRefusal.COLLECTION_UNDER_WAY: collecting,
        ReturnRefusal.IN_THE_FUTURE: on > today,
        ReturnRefusal.BEFORE_THE_PAYOUT: on < sent_on,
        ReturnRefusal.REASON_MISSING: not reason.strip(),
        ReturnRefusal.BOOKED_MEANWHILE: seen is not None and seen != events,
    }
    return first_of(holds)


def settle(kind: TransferKind, *, amount_minor: int, moved_minor: int | None, words: str) -> Settlement:
    """Judge an answer, which is not trusted: None is none, and what cannot be is as good as none.

    A payout moves whole or not at all; a collection may be filled in part.
    """
    if moved_minor is None:
        return Settlement(state=TransferState.UNKNOWN, moved_minor=0, words=words or "no answer")
    whole_only = kind is TransferKind.PAYOUT
    plausible = moved_minor in {0, amount_minor} if whole_only else 0 <= moved_minor <= amount_minor
    if not plausible:
        words = f"said that {moved_minor} of {amount_minor} moved"
        return Settlement(state=TransferState.UNKNOWN, moved_minor=0, words=words)
    state = TransferState.DONE if moved_minor else TransferState.FAILED
    return Settlement(state=state, moved_minor=moved_minor, words=words)
