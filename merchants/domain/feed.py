"""Find where a feed ends, and whether it can be relied on.

A feed is told by its SALE rows: how many each day, by day number; a day without any counts as 0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from statistics import median

TRAILING = 7
BEFORE = 180
WEEKS = 8
YEAR = 364  # the same weekday
SILENT_AFTER = 3
FEWEST_DAYS = 14
FEWEST_A_WEEK = 50
LATE_AFTER = 7
NO_SEASON = Fraction(1)


class FeedSignal(StrEnum):
    """Why a feed is red: what rests on it waits."""

    SILENT = "SILENT"
    HALVED = "HALVED"
    DOUBLED = "DOUBLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """A feed against its own past: sales of the last week delivered, of a usual one, whole days without any up to now.

    quiet and longest_quiet are days, the second up to the last sale; None before the first sale.
    """

    recent: int
    usual: int
    quiet: int | None
    longest_quiet: int | None
    signal: FeedSignal | None


def is_late(day: int, arrived: int) -> bool:
    """Decide whether a row came late: more than a week after it happened."""
    return arrived - day > LATE_AFTER


def judge_feed(sales_by_day: Mapping[int, int], *, arrivals: Collection[int], today: int) -> FeedHealth:
    """Compare the last whole week with the median of the eight before it.

    arrivals: the days on which rows arrived lately. Their longest interval is how long the feed may take to deliver:
    days without sales at the end are not delivered yet, up to that many, and the week ends before them. With fewer
    than two such days (a history imported at once) the week ends before `today`, and the days of sales alone decide.

    SILENT: no sale for more than three days, for more than twice as long as ever in those weeks, and for more than a
    day over that interval; not before the feed sold on 14 days. HALVED or DOUBLED: beyond half or twice both the usual
    week and, where a year before is known, what that year's same week was to its own usual one (a season is no fault);
    not for under 50 sales a week, where chance does as much.
    """
    sold = {day for day, count in sales_by_day.items() if count and day < today}
    if not sold:
        return FeedHealth(recent=0, usual=0, quiet=None, longest_quiet=None, signal=None)
    last = max(sold)
    quiet = today - 1 - last
    interval = max((after - before for before, after in pairwise(sorted(set(arrivals)))), default=0)
    end = today - min(quiet, interval)
    recent, usual = _week(sales_by_day, end), _usual(sales_by_day, end)
    known = sorted(day for day in sold if day >= last - WEEKS * TRAILING)
    longest = max((after - before - 1 for before, after in pairwise(known)), default=0)
    signal = None
    season = _season(sales_by_day, end, first=min(sold))
    if len(sold) >= FEWEST_DAYS and quiet > max(SILENT_AFTER, 2 * longest, interval + 1):
        signal = FeedSignal.SILENT
    elif usual >= FEWEST_A_WEEK and 2 * recent < usual * min(season, NO_SEASON):
        signal = FeedSignal.HALVED
    elif usual >= FEWEST_A_WEEK and recent > 2 * usual * max(season, NO_SEASON):
        signal = FeedSignal.DOUBLED
    return FeedHealth(recent=recent, usual=round(usual), quiet=quiet, longest_quiet=longest, signal=signal)


def _week(sales_by_day: Mapping[int, int], end: int) -> int:
    return sum(sales_by_day.get(day, 0) for day in range(end - TRAILING, end))


def _usual(sales_by_day: Mapping[int, int], end: int) -> Fraction:
    weeks = [_week(sales_by_day, end - TRAILING * back) for back in range(1, WEEKS + 1)]
    return Fraction(sum(sorted(weeks)[WEEKS // 2 - 1 : WEEKS // 2 + 1]), 2)


def _season(sales_by_day: Mapping[int, int], end: int, *, first: int) -> Fraction:
    """Return what the same week of the year before was to its usual one; 1 where that is not known."""
    then = end - YEAR
    usual = _usual(sales_by_day, then)
    if first > then - TRAILING * (WEEKS + 1) or usual < FEWEST_A_WEEK:
        return NO_SEASON
    return _week(sales_by_day, then) / usual


def feed_end(sales_by_day: Mapping[int, int]) -> int | None:
    """Return the last day whose trailing week holds at least half of seven median days of the 180 before.

    Counts SALE rows by day number; a day without rows counts as 0. The thin tail of a feed (rows that trickle in
    after it was cut) is thus not taken for business. None for a feed without sales.
    """
    if not sales_by_day:
        return None
    first, last = min(sales_by_day), max(sales_by_day)
    for day in range(last, first, -1):
        trailing = sum(sales_by_day.get(day - back, 0) for back in range(TRAILING))
        before = [sales_by_day.get(day - back, 0) for back in range(1, BEFORE + 1)]
        if 2 * trailing >= TRAILING * median(before):
            return day
    return first
