"""When a day may be opened and closed, and whether its books are proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of

DRIFTED_SHOWN: Final = 100
LAST_ID: Final = 2**63 - 1
EVERY_LOAN_WITHIN: Final = 28
"""Nights within which each loan is replayed, touched or not."""
EXPOSURE: Final = "EXPOSURE"
"""The line of a proof beside the accounts: what is kept of rooms by product and category, and what the loans take."""
FIRST_DAY_WITHIN: Final = 3_660
"""Days: an office that lives through old history begins years back, none in another century."""


class CloseState(StrEnum):
    """The states of a close: under way, its books proven, or its proof failed."""

    WORKING = "WORKING"
    PROVEN = "PROVEN"
    BROKEN = "BROKEN"


class CloseRefusal(StrEnum):
    """Why no close is started; the first that applies counts."""

    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"
    ANOTHER_WORKS = "ANOTHER_WORKS"
    NOTHING_TO_CLOSE = "NOTHING_TO_CLOSE"
    NOT_THE_DAY_SHOWN = "NOT_THE_DAY_SHOWN"


class OpeningRefusal(StrEnum):
    """Why the first or the next day is not opened by hand; the first that applies counts.

    NOT_THE_DAY_SHOWN: the open day is not the one after which the next was to be opened.
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
        """Whether they agree to the unit."""
        return self.ledger_minor == self.loans_minor


def day_to_close(*, today: date | None, last_closed: date | None, first_loan: date | None) -> date | None:
    """Return the day to close next: every day before the open one, from the first loan's on, in order."""
    first = first_loan if last_closed is None else last_closed + timedelta(days=1)
    return first if today is not None and first is not None and first < today else None


def judge_close(
    *, today: date | None, day: date | None, another_works: bool, seen: date | None = None
) -> CloseRefusal | None:
    """Decide whether the next day may be closed; where `seen` is given, that day only."""
    return first_of(
        {
            CloseRefusal.NO_BUSINESS_DATE: today is None,
            CloseRefusal.ANOTHER_WORKS: another_works,
            CloseRefusal.NOTHING_TO_CLOSE: day is None,
            CloseRefusal.NOT_THE_DAY_SHOWN: seen is not None and seen != day,
        }
    )


def judge_first_opening(*, today: date | None, by_calendar: bool, days_away: int) -> OpeningRefusal | None:
    """Decide whether the office may begin on a day so many days from the clock's; it cannot be undone."""
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
    """Decide whether the day after `after` may be opened by hand; None: after whichever is open."""
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


def ids_of_part(part: int, *, parts: int, last: int) -> range:
    """Return the ids that make one of so many parts of all loans; the last part has also those after the last id."""
    first, stop = part * last // parts, (part + 1) * last // parts
    return range(first + 1, LAST_ID if part == parts - 1 else stop + 1)
