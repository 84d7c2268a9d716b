"""When a list may be exported, and who gets its file until when."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import Refused, first_of
from config.office.lists import LONGEST_QUERY
from config.office.models.list_export import ExportState

MOST_ROWS: Final = 200_000
"""Of one file: at a third of its speed, the slowest list takes half of what a task may (docs/benchmarks.md)."""
MOST_WAITING: Final = 5
"""Of one person at once, so that nobody's exports keep those of others waiting all day."""
KEPT_FOR: Final = timedelta(hours=24)
"""Long enough for what is asked for in the evening; copies of the office's rows should not pile up beside it."""


class ExportRefusal(StrEnum):
    """Why a list is not exported; the first that applies counts."""

    NO_DIRECTORY = "NO_DIRECTORY"
    TOO_LONG = "TOO_LONG"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    WAITS_ALREADY = "WAITS_ALREADY"
    TOO_MANY_WAIT = "TOO_MANY_WAIT"


class ExportNotStarted(Refused[ExportRefusal]):
    """The list is not exported."""


class ExportFailure(StrEnum):
    """Why an export that was asked for has no file."""

    NO_RIGHT = "NO_RIGHT"
    BAD_QUERY = "BAD_QUERY"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    BROKE_OFF = "BROKE_OFF"


class ExportNotMade(Refused[ExportFailure]):
    """The file cannot be made, however often it is tried."""


class FetchRefusal(StrEnum):
    """Why a file is not handed out; the first that applies counts."""

    NOT_OWN = "NOT_OWN"
    NO_RIGHT = "NO_RIGHT"
    LOST_RIGHT = "LOST_RIGHT"
    NOT_DONE = "NOT_DONE"
    EXPIRED = "EXPIRED"
    GONE = "GONE"


class FileNotFetched(Refused[FetchRefusal]):
    """The file is not handed out."""


def is_too_large(rows: int) -> bool:
    """Decide whether so many rows are too many for one file."""
    return rows > MOST_ROWS


def judge_request(*, has_directory: bool, query: str, rows: int, same: bool, waiting: int) -> ExportRefusal | None:
    """Decide whether a list may be exported. same: whether the same list waits; waiting: exports of this person."""
    holds = {
        ExportRefusal.NO_DIRECTORY: not has_directory,
        ExportRefusal.TOO_LONG: len(query) > LONGEST_QUERY,
        ExportRefusal.TOO_MANY_ROWS: is_too_large(rows),
        ExportRefusal.WAITS_ALREADY: same,
        ExportRefusal.TOO_MANY_WAIT: waiting >= MOST_WAITING,
    }
    return first_of(holds)


def state_at(state: ExportState, *, expires_at: datetime | None, now: datetime) -> ExportState:
    """Return the state of an export as people see it: expired on the minute, not once its file is removed."""
    is_over = state is ExportState.DONE and expires_at is not None and now >= expires_at
    return ExportState.EXPIRED if is_over else state


def judge_fetch(
    *,
    state: ExportState,
    expires_at: datetime | None,
    now: datetime,
    is_own: bool,
    has_rights: bool,
    has_authority: bool,
    is_there: bool,
) -> FetchRefusal | None:
    """Decide whether somebody gets a file now.

    has_rights: to the list, and to export; has_authority: all by which its rows were shown; is_there: on the disk.
    """
    holds = {
        FetchRefusal.NOT_OWN: not is_own,
        FetchRefusal.NO_RIGHT: not has_rights,
        FetchRefusal.LOST_RIGHT: not has_authority,
        FetchRefusal.NOT_DONE: state in {ExportState.WAITING, ExportState.FAILED},
        FetchRefusal.EXPIRED: state_at(state, expires_at=expires_at, now=now) is ExportState.EXPIRED,
        FetchRefusal.GONE: not is_there,
    }
    return first_of(holds)
