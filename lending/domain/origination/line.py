"""A credit line once it is agreed: its states, when it may be drawn on, and what a night makes of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import accumulate
from typing import Final

from config.kernel.refusals import first_of
from lending.domain.origination.assessment import Assessment, NoOffer
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.granted_limit import GrantedLimit, next_limit
from lending.domain.origination.offer import SignedTerms
from lending.domain.origination.product import Months


class LineState(StrEnum):
    """The states of a line. FROZEN: nothing new is drawn; what was drawn runs on as agreed."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class LineEventType(StrEnum):
    """What may happen to a line."""

    OPENED = "OPENED"
    DRAWN = "DRAWN"
    RAISED = "RAISED"
    CUT = "CUT"
    FROZEN = "FROZEN"
    UNFROZEN = "UNFROZEN"
    CLOSED = "CLOSED"


class DrawRefusal(StrEnum):
    """Why nothing is drawn, before it is decided on; of several reasons, the first counts."""

    LINE_CLOSED = "LINE_CLOSED"
    LINE_FROZEN = "LINE_FROZEN"
    PAYOUT_ACCOUNT_NOT_VERIFIED = "PAYOUT_ACCOUNT_NOT_VERIFIED"
    VERIFIED_THE_ACCOUNT = "VERIFIED_THE_ACCOUNT"
    NOTHING_LEFT = "NOTHING_LEFT"
    MONTHS_NOT_OFFERED = "MONTHS_NOT_OFFERED"
    AMOUNT_BELOW_MINIMUM = "AMOUNT_BELOW_MINIMUM"
    AMOUNT_ABOVE_FREE = "AMOUNT_ABOVE_FREE"
    EVIDENCE_MALFORMED = "EVIDENCE_MALFORMED"


class LineRefusal(StrEnum):
    """Why a member of staff does not freeze, unfreeze or close a line; of several reasons, the first counts."""

    NOT_ACTIVE = "NOT_ACTIVE"
    NOT_FROZEN = "NOT_FROZEN"
    CLOSED = "CLOSED"
    STILL_DRAWN = "STILL_DRAWN"
    DRAW_WAITS = "DRAW_WAITS"
    REASON_MISSING = "REASON_MISSING"


FREEZING: Final = frozenset(
    {
        NoOffer.NOT_SCORED,
        NoOffer.SCORE_TOO_OLD,
        NoOffer.GATE_FAILED,
        NoOffer.GRADE_TOO_LOW,
        NoOffer.NOT_ELIGIBLE,
        NoOffer.PAST_DUE,
        NoOffer.DRAWS_HELD,
        NoOffer.LIMIT_BELOW_MINIMUM,
        NoOffer.RAISE_PENDING,
    }
)
"""The reasons for which a merchant would have no line: while one of them holds, it does not draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableLine:
    """What judging a draw takes of a line; amounts in minor units. choices: the terms in months a draw may have."""

    state: LineState
    facts: LineFacts
    minimum_minor: int
    choices: Collection[Months]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a night makes of a line: its limit, and the reason for which nothing may be drawn, if there is one."""

    limit: GrantedLimit
    freezes: NoOffer | None


def judge_line(line: DrawableLine, *, payout_account_verified: bool, is_verifier: bool = False) -> DrawRefusal | None:
    """Decide whether a line may be drawn on at all.

    is_verifier: whoever applies verified the payout account, or approved that.
    """
    return first_of(
        {
            DrawRefusal.LINE_CLOSED: line.state is LineState.CLOSED,
            DrawRefusal.LINE_FROZEN: line.state is LineState.FROZEN,
            DrawRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: not payout_account_verified,
            DrawRefusal.VERIFIED_THE_ACCOUNT: is_verifier,
            DrawRefusal.NOTHING_LEFT: line.facts.free_minor < line.minimum_minor,
        }
    )


def judge_draw(
    line: DrawableLine,
    *,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms,
    payout_account_verified: bool,
    is_verifier: bool = False,
) -> DrawRefusal | None:
    """Decide whether an amount may be drawn over a term; the rules of a decision judge it beside this."""
    refusal = judge_line(line, payout_account_verified=payout_account_verified, is_verifier=is_verifier)
    refusal = refusal or judge_wish(line, amount_minor=amount_minor, months=months)
    return refusal or (None if evidence.is_whole else DrawRefusal.EVIDENCE_MALFORMED)


def judge_wish(line: DrawableLine, *, amount_minor: int, months: Months) -> DrawRefusal | None:
    """Decide whether the line has the amount and the term."""
    return first_of(
        {
            DrawRefusal.MONTHS_NOT_OFFERED: months not in line.choices,
            DrawRefusal.AMOUNT_BELOW_MINIMUM: amount_minor < line.minimum_minor,
            DrawRefusal.AMOUNT_ABOVE_FREE: amount_minor > line.facts.free_minor,
        }
    )


def judge_freeze(state: LineState, *, frozen_for: str, reason: str) -> LineRefusal | None:
    """Decide whether a line may be frozen by hand, also one that a review froze: then no review ends it any more."""
    is_held = state is LineState.CLOSED or (state is LineState.FROZEN and not frozen_for)
    return first_of({LineRefusal.NOT_ACTIVE: is_held, LineRefusal.REASON_MISSING: not reason.strip()})


def judge_unfreeze(state: LineState, *, reason: str) -> LineRefusal | None:
    """Decide whether a line may be drawn on again."""
    return first_of(
        {LineRefusal.NOT_FROZEN: state is not LineState.FROZEN, LineRefusal.REASON_MISSING: not reason.strip()}
    )


def judge_close(state: LineState, *, loans: int, waiting: int, reason: str) -> LineRefusal | None:
    """Decide whether a line may be closed. loans: approved or still owed under it; waiting: draws left to a person."""
    return first_of(
        {
            LineRefusal.CLOSED: state is LineState.CLOSED,
            LineRefusal.STILL_DRAWN: loans > 0,
            LineRefusal.DRAW_WAITS: waiting > 0,
            LineRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def review(limit: GrantedLimit, case: Assessment, *, used_minor: int) -> Review:
    """Review a line by the merchant's assessment under its product; used_minor: what its loans take of it.

    The line may have what the merchant may owe in all, less what it owes otherwise. It moves to that as every granted
    limit does, cut at once and raised when it lasts, but never below what is drawn: that is owed as agreed. Without a
    computed limit it stays as it is. Called twice on one night, it gives the same.
    """
    moved: GrantedLimit | None = limit
    if case.limit is not None:
        otherwise = case.facts.exposure.outstanding_minor - used_minor
        computed = max(0, case.limit.limit_minor - otherwise)
        moved = next_limit(limit, computed, night=case.facts.on, rules=case.product.limits)
    if moved is None or moved.limit_minor < used_minor:
        moved = GrantedLimit(limit_minor=used_minor)
    # Of those that freeze: another reason before it must not hide one.
    freezes = next((reason for reason, holds in case.rules if reason in FREEZING and holds(case)), None)
    return Review(limit=moved, freezes=freezes)


def state_after_review(state: LineState, *, frozen_for: str, freezes: NoOffer | None) -> tuple[LineState, str]:
    """Return a line's state after a review, and for which reason a review froze it, "" for none.

    What a person froze stays frozen until a person ends it.
    """
    if state is LineState.CLOSED or (state is LineState.FROZEN and not frozen_for):
        return state, frozen_for
    return (LineState.ACTIVE, "") if freezes is None else (LineState.FROZEN, freezes.value)


def most_at_once(draws: Iterable[tuple[date, date, int]]) -> int:
    """Return the most that draws, each with its first day, the day it was repaid and its amount, owed on one day.

    One that was repaid on the day it was paid out was no credit.
    """
    moves = [move for first, end, minor in draws for move in ((first, minor), (end, -minor))]
    return max(accumulate(change for _, change in sorted(moves)), default=0)


def repaid_minor(*, repaid_on_time_minor: int, agreed_minor: int, limit_minor: int) -> int:
    """Return what a line counts as a loan repaid on time: draws are small, and each alone would lower the ladder.

    repaid_on_time_minor: the most that draws owed at once which were repaid so. Nothing until that is as much as the
    line was agreed for; then that, up to its limit by now.
    """
    return min(repaid_on_time_minor, max(agreed_minor, limit_minor)) if repaid_on_time_minor >= agreed_minor else 0
