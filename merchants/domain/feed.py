"""Find where a feed ends."""

from collections.abc import Mapping
from statistics import median

TRAILING = 7
BEFORE = 180


def feed_end(sales_by_day: Mapping[int, int]) -> int | None:
    """Find the last day whose seven days up to it hold at least half of seven median days of the 180 before.

    Counts SALE rows by day number; a day without rows counts as 0. So the thin end of a feed (rows that trail
    in after it was cut) is no day of business. None for a feed without sales.
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
