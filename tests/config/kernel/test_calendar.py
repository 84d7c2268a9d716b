from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import add_months, business_day, date_of, day_number, is_last_of_february, midnight

dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))
zones = st.sampled_from(["UTC", "Asia/Shanghai", "America/Sao_Paulo", "Pacific/Kiritimati", "Europe/Prague"])


@given(dates, st.integers(-10_000, 10_000))
def test_a_day_and_its_number_are_one(on: date, days: int) -> None:
    assert date_of(day_number(on)) == on
    assert day_number(on + timedelta(days=days)) - day_number(on) == days


def test_the_first_day_is_zero() -> None:
    assert (day_number(date(1970, 1, 1)), day_number(date(2026, 3, 2)), day_number(date(1969, 12, 31))) == (
        0,
        20514,
        -1,
    )


@given(dates, st.integers(-1_200, 1_200))
def test_months_are_added_to_the_same_day_or_the_months_last(on: date, months: int) -> None:
    """Red without the clamp: 31 January plus a month is no day."""
    moved = add_months(on, months)
    assert (moved.year * 12 + moved.month) - (on.year * 12 + on.month) == months
    assert moved.day == min(on.day, monthrange(moved.year, moved.month)[1])


@given(dates, st.integers(-600, 600), st.integers(-600, 600))
def test_from_the_anchored_day_months_add_up(on: date, first: int, second: int) -> None:
    """Red if the day were taken from the clamped date: a loan due on the 31st would drift to the 28th."""
    assert add_months(add_months(on, first), second, day=on.day) == add_months(on, first + second)


@pytest.mark.parametrize(
    ("on", "months", "day", "expected"),
    [
        ("2024-01-31", 1, None, "2024-02-29"),
        ("2023-01-31", 1, None, "2023-02-28"),
        ("2024-02-29", 12, None, "2025-02-28"),
        ("2024-02-29", 48, None, "2028-02-29"),
        ("2024-03-31", -1, None, "2024-02-29"),
        ("2023-12-15", 1, None, "2024-01-15"),
        ("2024-01-15", -1, None, "2023-12-15"),
        ("2024-02-29", 1, 31, "2024-03-31"),
        ("2024-03-31", 1, 31, "2024-04-30"),
        ("2024-03-31", 0, 1, "2024-03-01"),
    ],
)
def test_months_by_hand(on: str, months: int, day: int | None, expected: str) -> None:
    assert add_months(date.fromisoformat(on), months, day=day) == date.fromisoformat(expected)


@given(dates, zones)
def test_a_day_begins_at_its_midnight(on: date, name: str) -> None:
    zone = ZoneInfo(name)
    first = midnight(on, zone)
    assert first.tzinfo is UTC
    assert business_day(first, zone) == on
    assert business_day(first - timedelta(microseconds=1), zone) < on


def test_a_moment_falls_on_another_day_elsewhere() -> None:
    at = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    found = {name: business_day(at, ZoneInfo(name)).day for name in ("UTC", "Asia/Shanghai", "America/Sao_Paulo")}
    assert found == {"UTC": 1, "Asia/Shanghai": 2, "America/Sao_Paulo": 1}


def test_a_day_may_last_23_hours() -> None:
    zone = ZoneInfo("Europe/Prague")
    length = midnight(date(2026, 3, 30), zone) - midnight(date(2026, 3, 29), zone)
    assert length == timedelta(hours=23)


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [
        ("2024-02-29", 1, "2024-03-31"),
        ("2023-02-28", 12, "2024-02-29"),
        ("2024-04-30", -2, "2024-02-29"),
        ("2024-02-28", 12, "2025-02-28"),
    ],
)
def test_the_last_day_of_a_month_stays_the_last(on: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(on), months, month_end=True) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("on", "last"),
    [("2023-02-28", True), ("2024-02-28", False), ("2024-02-29", True), ("2024-01-31", False)],
)
def test_the_last_of_february_is_known(on: str, last: bool) -> None:  # noqa: FBT001
    assert is_last_of_february(date.fromisoformat(on)) is last
