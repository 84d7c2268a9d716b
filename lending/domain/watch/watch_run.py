"""Judging merchants' cash flow: when it is done, and of whom."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of


class WatchKind(StrEnum):
    """NIGHT: everyone with a limit or a loan, on whole days. ROWS: borrowers of whom rows came since, today's too."""

    NIGHT = "NIGHT"
    ROWS = "ROWS"


_INTO_TODAY: Final = {WatchKind.NIGHT: timedelta(), WatchKind.ROWS: timedelta(days=1)}


class WatchState(StrEnum):
    """The states of a watch."""

    WORKING = "WORKING"
    DONE = "DONE"


class WatchRefusal(StrEnum):
    """Why no watch begins; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    ONE_WORKS = "ONE_WORKS"
    DONE_ALREADY = "DONE_ALREADY"
    DAY_NOT_CLOSED = "DAY_NOT_CLOSED"
    NIGHT_MISSING = "NIGHT_MISSING"


def judged_as_of(kind: WatchKind, *, today: date) -> date:
    """Return the midnight up to which rows count on a business date: before it at night, after it for rows."""
    return today + _INTO_TODAY[kind]


def judged_on(kind: WatchKind, *, as_of: date) -> date:
    """Return the business date of a watch, of the midnight up to which its rows count."""
    return as_of - _INTO_TODAY[kind]


def judge_night_watch(
    *, today: date | None, last_night: date | None, one_works: bool, closed_to: date | None
) -> WatchRefusal | None:
    """Decide whether everyone is judged as of the business date: once, when the day before is closed.

    closed_to: None where nothing was ever closed.
    """
    return first_of(
        {
            WatchRefusal.NO_BUSINESS_DATE: today is None,
            WatchRefusal.ONE_WORKS: one_works,
            WatchRefusal.DONE_ALREADY: today is not None and last_night is not None and last_night >= today,
            WatchRefusal.DAY_NOT_CLOSED: today is not None and closed_to is not None and closed_to < today,
        }
    )


def judge_rows_watch(*, today: date | None, last_night: date | None, one_works: bool) -> WatchRefusal | None:
    """Decide whether it is looked for rows that came: between nights, so after that of the business date."""
    return first_of(
        {
            WatchRefusal.NO_BUSINESS_DATE: today is None,
            WatchRefusal.ONE_WORKS: one_works,
            WatchRefusal.NIGHT_MISSING: today is None or last_night != today,
        }
    )
