"""Find where a feed ends."""

from collections.abc import Mapping
from statistics import median

TRAILING = 7
BEFORE = 180


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
