"""A borrower's promise to pay: when it may be recorded, and whether it was kept."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.arrears.case import CaseState

PROMISED_WITHIN: Final = timedelta(days=31)
"""Judgement: a promise further away than the next instalment is no plan to pay."""
AWAITED_FOR: Final = timedelta(days=2)
"""Judgement: money that was sent on the day may take so long to arrive."""
JUDGED_AGAIN_FOR: Final = timedelta(days=30)
"""Judgement: until so long after the day, a payment that bounces, or is booked late, changes how a promise ended."""


class PromiseState(StrEnum):
    """The states of a promise. PARTLY: some of it was paid. WITHDRAWN: by whoever recorded it wrongly."""

    OPEN = "OPEN"
    KEPT = "KEPT"
    PARTLY = "PARTLY"
    BROKEN = "BROKEN"
    WITHDRAWN = "WITHDRAWN"


class PromiseRefusal(StrEnum):
    """Why a promise is not recorded, or not withdrawn; the first that applies counts."""

    CASE_CLOSED = "CASE_CLOSED"
    HANDED_OVER = "HANDED_OVER"
    OPEN_ALREADY = "OPEN_ALREADY"
    NOT_POSITIVE = "NOT_POSITIVE"
    ABOVE_OWED = "ABOVE_OWED"
    IN_THE_PAST = "IN_THE_PAST"
    TOO_LATE = "TOO_LATE"
    NOT_OPEN = "NOT_OPEN"
    REASON_MISSING = "REASON_MISSING"


def judge_promise(
    case: CaseState,
    *,
    is_handed_over: bool,
    has_open: bool,
    amount_minor: int,
    owed_minor: int,
    due_on: date,
    today: date,
) -> PromiseRefusal | None:
    """Decide whether a promise is recorded: one at a time, of no more than what is owed, for a day that is near."""
    return first_of(
        {
            PromiseRefusal.CASE_CLOSED: case is CaseState.CLOSED,
            PromiseRefusal.HANDED_OVER: is_handed_over,
            PromiseRefusal.OPEN_ALREADY: has_open,
            PromiseRefusal.NOT_POSITIVE: amount_minor <= 0,
            PromiseRefusal.ABOVE_OWED: amount_minor > owed_minor,
            PromiseRefusal.IN_THE_PAST: due_on < today,
            PromiseRefusal.TOO_LATE: due_on > today + PROMISED_WITHIN,
        }
    )


def judge_withdrawal(*, has_open: bool, reason: str) -> PromiseRefusal | None:
    """Decide whether the open promise of a case is withdrawn."""
    return first_of({PromiseRefusal.NOT_OPEN: not has_open, PromiseRefusal.REASON_MISSING: not reason.strip()})


def outcome(state: PromiseState, *, amount_minor: int, paid_minor: int, due_on: date, as_of: date) -> PromiseState:
    """Judge a promise as of a morning; one that has ended is never open again, as another may be by then.

    paid_minor: repayments that stand, booked since it was made and dated while it was awaited.
    """
    if paid_minor >= amount_minor:
        return PromiseState.KEPT
    if state is PromiseState.OPEN and as_of < judged_on(due_on):
        return PromiseState.OPEN
    return PromiseState.PARTLY if paid_minor > 0 else PromiseState.BROKEN


def judged_on(due_on: date) -> date:
    """Return the first morning on which a promise that was not paid is broken."""
    return due_on + AWAITED_FOR + timedelta(days=1)
