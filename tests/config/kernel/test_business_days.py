from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.business_days import BusinessCalendar, BusinessDayRule, UnknownDay
from config.kernel.documents import Unfit


def calendar_of(**changed: object) -> BusinessCalendar:
    """October 2024: a week of holidays, with a Sunday and a Saturday worked for it; and the days about New Year."""
    usual: dict[str, object] = {
        "name": "cn",
        "first_year": 2024,
        "last_year": 2025,
        "weekend": (6, 7),
        "holidays": (*(date(2024, 10, day) for day in range(1, 8)), date(2025, 1, 1)),
        "working": (date(2024, 9, 29), date(2024, 10, 12)),
    }
    return BusinessCalendar(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2024-09-28", False),  # a Saturday
        ("2024-09-29", True),  # a Sunday that is worked
        ("2024-09-30", True),
        ("2024-10-01", False),
        ("2024-10-08", True),
        ("2025-01-01", False),
    ],
)
def test_business_days(day: str, is_one: bool) -> None:  # noqa: FBT001
    assert calendar_of().is_business_day(date.fromisoformat(day)) is is_one


@pytest.mark.parametrize(
    ("day", "following", "modified", "preceding"),
    [
        ("2024-09-30", "2024-09-30", "2024-09-30", "2024-09-30"),
        ("2024-10-05", "2024-10-08", "2024-10-08", "2024-09-30"),
        ("2024-08-31", "2024-09-02", "2024-08-30", "2024-08-30"),  # a Saturday
        ("2024-12-31", "2024-12-31", "2024-12-31", "2024-12-31"),
        ("2025-01-01", "2025-01-02", "2025-01-02", "2024-12-31"),
    ],
)
def test_each_rule(day: str, following: str, modified: str, preceding: str) -> None:
    on = date.fromisoformat(day)
    rules = (BusinessDayRule.FOLLOWING, BusinessDayRule.MODIFIED_FOLLOWING, BusinessDayRule.PRECEDING)
    found = [calendar_of().adjusted(on, rule).isoformat() for rule in rules]
    assert found == [following, modified, preceding]
    assert calendar_of().adjusted(on, BusinessDayRule.NONE) == on


@pytest.mark.parametrize(
    ("day", "rule"),
    [
        (date(2023, 12, 29), BusinessDayRule.FOLLOWING),
        (date(2026, 1, 5), BusinessDayRule.PRECEDING),
        (date(2024, 12, 31), BusinessDayRule.FOLLOWING),  # into a year that is not known
    ],
)
def test_what_the_calendar_does_not_know_is_refused(day: date, rule: BusinessDayRule) -> None:
    known = calendar_of(last_year=2024, holidays=(date(2024, 12, 31),), working=())
    with pytest.raises(UnknownDay, match="knows 2024 to 2024"):
        known.adjusted(day, rule)


def test_a_month_without_a_business_day_is_refused() -> None:
    closed = calendar_of(holidays=tuple(date(2024, 10, 1) + timedelta(days) for days in range(60)), working=())
    with pytest.raises(UnknownDay, match="no business day within 31 days"):
        closed.adjusted(date(2024, 10, 1), BusinessDayRule.FOLLOWING)


@given(st.dates(date(2024, 2, 1), date(2025, 11, 30)), st.sampled_from(BusinessDayRule))
def test_a_date_moves_to_the_nearest_business_day_of_its_side(day: date, rule: BusinessDayRule) -> None:
    calendar = calendar_of()
    moved = calendar.adjusted(day, rule)
    if rule is BusinessDayRule.NONE:
        return
    assert calendar.is_business_day(moved)
    first, last = sorted((day, moved))
    between = [first + timedelta(days) for days in range(1, (last - first).days)]
    assert not any(map(calendar.is_business_day, between))
    if rule is BusinessDayRule.MODIFIED_FOLLOWING:
        assert moved.month == day.month
    elif rule is BusinessDayRule.FOLLOWING:
        assert moved >= day
    else:
        assert moved <= day


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"first_year": 2026}, "first_year"),
        ({"weekend": (0,)}, "weekend"),
        ({"weekend": (1, 2, 3, 4, 5, 6, 7)}, "weekend"),
        ({"holidays": (date(2026, 1, 1),)}, "holidays"),
        ({"working": (date(2023, 1, 1),)}, "working"),
        ({"working": (date(2024, 10, 1),)}, "working"),
    ],
)
def test_what_makes_no_calendar_is_refused(changed: dict[str, object], field: str) -> None:
    with pytest.raises(Unfit, match=field):
        calendar_of(**changed)
