"""When a day may be closed, in which stages, and whether its books are proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of

DRIFTED_SHOWN: Final = 100
FIRST_DAY_WITHIN: Final = 3_660
"""Days: an office that lives through old history begins years ago, none in another century."""


class CloseState(StrEnum):
    """The states of a closing: under way, its books proven, or its proof failed."""

    WORKING = "WORKING"
    PROVEN = "PROVEN"
    BROKEN = "BROKEN"


class CloseRefusal(StrEnum):
    """The reasons for which no closing is started; the first that holds counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    ANOTHER_WORKS = "ANOTHER_WORKS"
    NOTHING_TO_CLOSE = "NOTHING_TO_CLOSE"
    NOT_THE_DAY_SHOWN = "NOT_THE_DAY_SHOWN"


class OpeningRefusal(StrEnum):
    """The reasons for which the first or the next day is not opened by hand; the first that holds counts.

    NOT_THE_DAY_SHOWN: another day is open than the one after which the next was to be opened.
    """

    OPEN_ALREADY = "OPEN_ALREADY"
    FAR_AWAY = "FAR_AWAY"
    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    BY_CALENDAR = "BY_CALENDAR"
    CLOSE_UNDER_WAY = "CLOSE_UNDER_WAY"
    NOT_THE_DAY_SHOWN = "NOT_THE_DAY_SHOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One account in one currency: what the ledger has, and what the loans say; minor units, debits positive."""

    account: str
    currency: str
    ledger_minor: int
    loans_minor: int

    @property
    def holds(self) -> bool:
        """Tell whether they agree to the unit."""
        return self.ledger_minor == self.loans_minor


def day_to_close(*, today: date | None, last_closed: date | None, first_loan: date | None) -> date | None:
    """Find the day that is to be closed next: every day before the open one, from the first loan's on, in order."""
    first = first_loan if last_closed is None else last_closed + timedelta(days=1)
    return first if today is not None and first is not None and first < today else None


def judge_close(
    *, today: date | None, day: date | None, another_works: bool, seen: date | None = None
) -> CloseRefusal | None:
    """Judge whether the next day may be closed, or only the one that was seen."""
    return first_of(
        {
            CloseRefusal.NO_BUSINESS_DATE: today is None,
            CloseRefusal.ANOTHER_WORKS: another_works,
            CloseRefusal.NOTHING_TO_CLOSE: day is None,
            CloseRefusal.NOT_THE_DAY_SHOWN: seen is not None and seen != day,
        }
    )


def judge_first_opening(*, today: date | None, by_calendar: bool, days_away: int) -> OpeningRefusal | None:
    """Judge whether the office may begin on a day so many days from the clock's: there is no way back from it."""
    return first_of(
        {
            OpeningRefusal.OPEN_ALREADY: today is not None,
            OpeningRefusal.BY_CALENDAR: by_calendar,
            OpeningRefusal.FAR_AWAY: abs(days_away) > FIRST_DAY_WITHIN,
        }
    )


def judge_opening(
    *, today: date | None, after: date | None, by_calendar: bool, another_works: bool
) -> OpeningRefusal | None:
    """Judge whether the day after `after` may be opened by hand: None is whichever is open."""
    return first_of(
        {
            OpeningRefusal.NO_BUSINESS_DATE: today is None,
            OpeningRefusal.BY_CALENDAR: by_calendar,
            OpeningRefusal.CLOSE_UNDER_WAY: another_works,
            OpeningRefusal.NOT_THE_DAY_SHOWN: after is not None and after != today,
        }
    )


def conclude(balances: Sequence[Balance], drifted: Sequence[int]) -> CloseState:
    """Judge the proof: every account must agree, and no loan may have drifted from its events."""
    holds = all(balance.holds for balance in balances) and not drifted
    return CloseState.PROVEN if holds else CloseState.BROKEN
