"""What a scoring run is: its kinds and states, and when it may start, be published or be abandoned."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

SETTLED_AFTER: Final = timedelta(minutes=1)
"""How long after the last batch was sealed the history counts as arrived."""


class RunKind(StrEnum):
    """The kinds of runs: over all merchants, or over one between nights."""

    FULL = "FULL"
    SINGLE = "SINGLE"


class RunState(StrEnum):
    """The states of a run.

    UNPUBLISHED: done and not meant to be published (a reference run without PD, a single merchant); HELD: a
    check failed, and yesterday's scores stay live until someone publishes it anyway; ABANDONED: it could not be
    finished, and someone abandoned it.
    """

    WORKING = "WORKING"
    UNPUBLISHED = "UNPUBLISHED"
    HELD = "HELD"
    PUBLISHED = "PUBLISHED"
    ABANDONED = "ABANDONED"


class StartRefusal(StrEnum):
    """Why a run is not started; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    NO_SCORECARD = "NO_SCORECARD"
    NO_MERCHANTS = "NO_MERCHANTS"
    ANOTHER_RUNS = "ANOTHER_RUNS"


class RunUnfit(StrEnum):
    """Why no calibration is solved on a run: it is not done or of one merchant, or another card is in force."""

    NOT_DONE = "NOT_DONE"
    OTHER_CARD = "OTHER_CARD"


class VersionRefusal(StrEnum):
    """Why a card or a calibration is not entered again: a later one is in force."""

    REPLACED = "REPLACED"


class SingleRefusal(StrEnum):
    """Why one merchant is not scored afresh."""

    NOTHING_PUBLISHED = "NOTHING_PUBLISHED"
    FEATURE_SET_GONE = "FEATURE_SET_GONE"


class PublishRefusal(StrEnum):
    """Why a run is not published anyway; the first that applies counts."""

    NOT_HELD = "NOT_HELD"
    OLDER_THAN_PUBLISHED = "OLDER_THAN_PUBLISHED"
    NO_REASON = "NO_REASON"


class AbandonRefusal(StrEnum):
    """Why a run is not abandoned; the first that applies counts."""

    NOT_WORKING = "NOT_WORKING"
    NO_REASON = "NO_REASON"


def judge_start(
    *, has_date: bool, has_scorecard: bool, has_merchants: bool, another_works: bool
) -> StartRefusal | None:
    """Decide whether a full run may start."""
    if not has_date:
        return StartRefusal.NO_BUSINESS_DATE
    if not has_scorecard:
        return StartRefusal.NO_SCORECARD
    if not has_merchants:
        return StartRefusal.NO_MERCHANTS
    return StartRefusal.ANOTHER_RUNS if another_works else None


def is_due(*, by_calendar: bool, today: date | None, scored_today: bool, is_first: bool, settled: bool) -> bool:
    """Decide whether a run starts by itself.

    scored_today: the day has a run by the card and calibration in force. settled: no rows are arriving; only the first
    run waits for that, so as not to take the beginning of an import for the whole history.
    """
    return by_calendar and today is not None and not scored_today and (settled or not is_first)


def judge_calibration(*, kind: RunKind, state: RunState, is_card_in_force: bool) -> RunUnfit | None:
    """Decide whether a calibration may be solved on a run: a finished one over all merchants, by the card in force."""
    if kind != RunKind.FULL or state in {RunState.WORKING, RunState.ABANDONED}:
        return RunUnfit.NOT_DONE
    return None if is_card_in_force else RunUnfit.OTHER_CARD


def judge_version(*, is_known: bool, is_in_force: bool) -> VersionRefusal | None:
    """Decide whether a card or calibration may be entered: again only while it is in force, which changes nothing."""
    return VersionRefusal.REPLACED if is_known and not is_in_force else None


def judge_single(*, has_live_run: bool, has_feature_set: bool) -> SingleRefusal | None:
    """Decide whether one merchant may be scored afresh: it needs a published run's references and feature set."""
    if not has_live_run:
        return SingleRefusal.NOTHING_PUBLISHED
    return None if has_feature_set else SingleRefusal.FEATURE_SET_GONE


@dataclass(frozen=True, slots=True, order=True)
class Vintage:
    """What scores were computed from: batches below a number, days before a date. Older sorts first."""

    as_of: date
    watermark_high: int


def judge_publish_anyway(
    *, state: RunState, vintage: Vintage, live: Vintage | None, reason: str
) -> PublishRefusal | None:
    """Decide whether a person may publish a held run over the live one."""
    if state is not RunState.HELD:
        return PublishRefusal.NOT_HELD
    if live is not None and vintage < live:
        return PublishRefusal.OLDER_THAN_PUBLISHED
    return None if reason.strip() else PublishRefusal.NO_REASON


def judge_abandon(*, state: RunState, reason: str) -> AbandonRefusal | None:
    """Decide whether a person may abandon a run."""
    if state is not RunState.WORKING:
        return AbandonRefusal.NOT_WORKING
    return None if reason.strip() else AbandonRefusal.NO_REASON


def conclude(*, calibrated: bool, all_passed: bool, vintage: Vintage, live: Vintage | None) -> RunState:
    """Decide the state of a full run whose checks are done."""
    if not calibrated:
        return RunState.UNPUBLISHED
    return RunState.PUBLISHED if all_passed and (live is None or vintage >= live) else RunState.HELD
