from collections import Counter
from datetime import UTC, date, datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import date_of, day_number
from merchants.domain.feed import FeedHealth, FeedSignal, feed_end, judge_feed
from merchants.domain.transaction import TransactionKind
from merchants.gateways.feed_files import find_file, open_feed_file, rows_of
from tests.conftest import SHARED

DATA = SHARED / "data"


def test_a_feed_without_sales_has_no_end() -> None:
    assert feed_end({}) is None


def test_a_steady_feed_ends_on_the_last_day_whose_week_is_half_full() -> None:
    steady = dict.fromkeys(range(1_000, 1_400), 10)
    assert feed_end(steady) == 1_399
    assert feed_end(steady | {1_403: 5}) == 1_403, "35 of the 70 of a week: exactly half"
    assert feed_end(steady | {1_403: 4}) == 1_402, "34 of 70 are too few; up to the day before it were 40"


def test_stragglers_do_not_move_the_end() -> None:
    """Red with the last day of the data: rows trail in for weeks after a feed was cut."""
    steady = dict.fromkeys(range(1_000, 1_400), 10)
    assert feed_end(steady | dict.fromkeys(range(1410, 1480, 9), 1)) == 1_402


@given(st.dictionaries(st.integers(0, 800), st.integers(1, 50), min_size=1, max_size=120))
def test_the_end_is_a_day_of_the_feed_and_scale_does_not_count(sales: dict[int, int]) -> None:
    end = feed_end(sales)
    assert end is not None
    assert min(sales) <= end <= max(sales)
    assert feed_end({day + 77: 3 * count for day, count in sales.items()}) == end + 77


STEADY = dict.fromkeys(range(1_000, 1_500), 10)
TODAY = 1_500


def signal(*changes: dict[int, int], today: int = TODAY) -> FeedSignal | None:
    sales = STEADY.copy()
    for change in changes:
        sales |= change
    return judge_feed(sales, arrivals=(), today=today).signal


def test_a_steady_feed_is_green_and_the_future_does_not_count() -> None:
    assert judge_feed(STEADY, arrivals=(), today=TODAY) == FeedHealth(
        recent=70, usual=70, quiet=0, longest_quiet=0, signal=None
    )
    assert signal(dict.fromkeys(range(TODAY, TODAY + 9), 999)) is None
    assert judge_feed({}, arrivals=(), today=TODAY).quiet is None


def test_a_feed_that_stops_is_silent_after_more_than_three_days() -> None:
    assert signal(today=TODAY + 3) is None
    assert signal(today=TODAY + 4) is FeedSignal.SILENT


def test_a_feed_with_gaps_is_silent_after_twice_the_longest() -> None:
    """Red if shops that close at weekends, or deliver weekly, were taken for dead."""
    gap = dict.fromkeys(range(1_470, 1_473), 0)
    assert signal(gap, today=TODAY + 6) is not FeedSignal.SILENT
    assert signal(gap, today=TODAY + 7) is FeedSignal.SILENT


def delivered(day: int, *, every: int) -> FeedSignal | None:
    """Judge the steady feed on a day, of which rows arrive at once for the days before, `every` so many."""
    arrivals = range(TODAY - 8 * every, day + 1, every)
    return judge_feed(dict.fromkeys(range(1_000, arrivals[-1]), 10), arrivals=arrivals, today=day).signal


def test_a_feed_that_is_delivered_weekly_is_green_on_every_day() -> None:
    """Red if days that are not delivered yet counted as silent, or in the week that is compared."""
    assert {delivered(day, every=7) for day in range(TODAY, TODAY + 14)} == {None}
    assert {delivered(day, every=1) for day in range(TODAY, TODAY + 7)} == {None}


def test_a_delivery_that_stays_away_is_silent_two_days_later() -> None:
    """Red if one day's delay were silent already, or a delivery that has failed were waited for longer."""
    sales, arrivals = dict.fromkeys(range(1_000, TODAY), 10), range(TODAY - 56, TODAY + 1, 7)
    late = [judge_feed(sales, arrivals=arrivals, today=TODAY + days).signal for days in range(7, 10)]
    assert late == [None, None, FeedSignal.SILENT]


def test_a_history_imported_at_once_says_nothing_of_deliveries() -> None:
    sales = dict.fromkeys(range(1_000, TODAY), 10)
    for arrivals in ((), (TODAY,), (TODAY, TODAY)):
        assert judge_feed(sales, arrivals=arrivals, today=TODAY + 4).signal is FeedSignal.SILENT


def test_a_new_feed_is_not_silent_before_it_sold_on_14_days() -> None:
    new = dict.fromkeys(range(TODAY - 13, TODAY), 10)
    assert judge_feed(new, arrivals=(), today=TODAY + 30).signal is None
    assert judge_feed(new | {TODAY - 14: 1}, arrivals=(), today=TODAY + 30).signal is FeedSignal.SILENT


def test_half_and_double_are_still_green_and_beyond_is_red() -> None:
    week = range(TODAY - 7, TODAY)
    assert signal(dict.fromkeys(week, 5)) is None
    assert signal(dict.fromkeys(week, 5), {TODAY - 1: 4}) is FeedSignal.HALVED
    assert signal(dict.fromkeys(week, 20)) is None
    assert signal(dict.fromkeys(week, 20), {TODAY - 1: 21}) is FeedSignal.DOUBLED


def test_a_season_of_the_year_before_is_no_fault() -> None:
    """Red if Black Friday held the offers of every year."""
    year_ago, week = range(TODAY - 371, TODAY - 364), range(TODAY - 7, TODAY)
    assert signal(dict.fromkeys(week, 50)) is FeedSignal.DOUBLED
    assert signal(dict.fromkeys(week, 50), dict.fromkeys(year_ago, 40)) is None
    assert signal(dict.fromkeys(week, 2)) is FeedSignal.HALVED
    assert signal(dict.fromkeys(week, 2), dict.fromkeys(year_ago, 3)) is None
    assert signal(dict.fromkeys(year_ago, 40)) is None, "nor is it one that the season does not come again"


def test_a_small_feed_is_neither_halved_nor_doubled() -> None:
    small = dict.fromkeys(range(1_000, 1_500), 7)
    assert judge_feed(small | dict.fromkeys(range(1_493, 1_500), 1), arrivals=(), today=TODAY).signal is None
    assert judge_feed(small | dict.fromkeys(range(1_493, 1_500), 90), arrivals=(), today=TODAY).signal is None


@pytest.mark.real
@pytest.mark.parametrize(("name", "days", "red"), [("olist", 366, 14), ("koubei", 314, 0), ("berka", 366, 1)])
def test_real_feeds_are_seldom_red(name: str, days: int, red: int) -> None:
    """Count the red days in the last year of markets that nobody cut, as ADR 22 has them."""
    sales = sales_of(name)
    end = feed_end(sales)
    assert end is not None
    judged = range(max(min(sales) + 180, end - 365), end + 1)
    found = [day for day in judged if judge_feed(sales, arrivals=(), today=day).signal is not None]
    assert (len(judged), len(found)) == (days, red), [date_of(day) for day in found]


@pytest.mark.real
@pytest.mark.parametrize(("name", "end"), [("olist", date(2018, 8, 30)), ("koubei", date(2016, 10, 31))])
def test_where_real_feeds_end(name: str, end: date) -> None:
    found = feed_end(sales_of(name))
    assert found is not None
    assert date_of(found) == end


@cache
def sales_of(name: str) -> Counter[int]:
    """Count a data set's SALE rows by day."""
    path = find_file(DATA / name, "transactions")
    if path is None:
        pytest.skip(f"the data sets are not at {DATA}")
    sales: Counter[int] = Counter()
    for _, row in rows_of(open_feed_file(path, ("kind", "occurred_at"))):
        assert isinstance(row, dict)
        if row["kind"] == TransactionKind.SALE:
            sales[day_number(datetime.fromisoformat(row["occurred_at"]).astimezone(UTC).date())] += 1
    return sales
