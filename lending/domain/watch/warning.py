"""Warnings: when a night raises and lifts one, what people may do with it, and what it holds back."""

from datetime import date, timedelta
from enum import StrEnum

from config.kernel.refusals import first_of
from lending.domain.watch.policy import WatchPolicy
from lending.domain.watch.watch_run import WatchKind


class WarningState(StrEnum):
    """The states of a warning. RAISED: nobody has judged it yet. CONFIRMED: a person did, and it stands."""

    RAISED = "RAISED"
    CONFIRMED = "CONFIRMED"
    LIFTED = "LIFTED"


class WarningChange(StrEnum):
    """What a judgement does with the warning of a signal."""

    RAISE = "RAISE"
    RENEW = "RENEW"
    CEASE = "CEASE"
    LIFT = "LIFT"


class WarningRefusal(StrEnum):
    """Why a person does not confirm or lift a warning; the first that applies counts."""

    LIFTED = "LIFTED"
    CONFIRMED = "CONFIRMED"
    REASON_MISSING = "REASON_MISSING"


def judge_signal(
    *,
    fires: bool | None,
    stands: bool,
    ceased_on: date | None,
    lifted_by_person_on: date | None,
    kind: WatchKind,
    today: date,
    policy: WatchPolicy,
) -> WarningChange | None:
    """Decide what becomes of the warning of a signal that fires, does not, or cannot be read (None): then nothing.

    stands: whether there is one; ceased_on: since when it was read without firing. lifted_by_person_on: when a person
    last lifted one: whoever looked knew better, for a while. kind: of the watch; between nights nothing is lifted, for
    the day's rows are not all in.
    """
    if fires is None:
        return None
    if not stands:
        is_quiet = lifted_by_person_on is not None and today < lifted_by_person_on + timedelta(days=policy.quiet_days)
        return WarningChange.RAISE if fires and not is_quiet else None
    if fires:
        return WarningChange.RENEW
    if kind is WatchKind.ROWS:
        return None
    if ceased_on is None:
        return WarningChange.CEASE
    return WarningChange.LIFT if today >= ceased_on + timedelta(days=policy.lifted_after_days) else None


def judge_confirmation(state: WarningState, *, reason: str) -> WarningRefusal | None:
    """Decide whether a person confirms a warning: it no longer waits, and what it holds back stays held."""
    return first_of(
        {
            WarningRefusal.LIFTED: state is WarningState.LIFTED,
            WarningRefusal.CONFIRMED: state is WarningState.CONFIRMED,
            WarningRefusal.REASON_MISSING: not reason.strip(),
        }
    )


def judge_lifting(state: WarningState, *, reason: str) -> WarningRefusal | None:
    """Decide whether a person lifts a warning, raised or confirmed."""
    return first_of(
        {WarningRefusal.LIFTED: state is WarningState.LIFTED, WarningRefusal.REASON_MISSING: not reason.strip()}
    )
