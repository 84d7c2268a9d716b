from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import date_of, day_number
from merchants.domain.feed import feed_end
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


@pytest.mark.real
@pytest.mark.parametrize(("name", "end"), [("olist", date(2018, 8, 30)), ("koubei", date(2016, 10, 31))])
def test_where_real_feeds_end(name: str, end: date) -> None:
    path = find_file(DATA / name, "transactions")
    if path is None:
        pytest.skip(f"the data sets are not at {DATA}")
    sales: Counter[int] = Counter()
    for _, row in rows_of(open_feed_file(path, ("kind", "occurred_at"))):
        assert isinstance(row, dict)
        if row["kind"] == TransactionKind.SALE:
            sales[day_number(datetime.fromisoformat(row["occurred_at"]).astimezone(UTC).date())] += 1
    found = feed_end(sales)
    assert found is not None
    assert date_of(found) == end
