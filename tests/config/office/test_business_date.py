from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
import time_machine
from celery import current_app
from pytest_django import Settings

from config.office.business_date import BusinessDateNotMoved, DateRefusal, get_business_date, open_day
from config.office.models import BusinessDate, OperationEvent
from tests.conftest import CLERK, NOW
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = date(2026, 3, 2)


def test_the_office_opens_its_first_day_and_goes_forward_from_there() -> None:
    assert get_business_date() is None
    assert open_day(on=FIRST, actor=CLERK, now=NOW) == get_business_date() == FIRST
    later = FIRST + timedelta(days=9)
    open_day(on=later, actor=CLERK, now=NOW)
    assert get_business_date() == later
    events = OperationEvent.objects.order_by("pk").values_list("name", "actor", "before", "after")
    assert list(events) == [
        ("office.open_day", str(CLERK), {"current": None}, {"current": "2026-03-02"}),
        ("office.open_day", str(CLERK), {"current": "2026-03-02"}, {"current": "2026-03-11"}),
    ]


@pytest.mark.parametrize("back", [0, 1, 400])
def test_a_day_that_is_not_later_is_refused_and_nothing_happens(back: int) -> None:
    """Red with `<` for `<=`: a day opened twice would be closed twice."""
    open_day(on=FIRST, actor=CLERK, now=NOW)
    before = (list(BusinessDate.objects.values()), list(OperationEvent.objects.values()))
    with pytest.raises(BusinessDateNotMoved) as refused:
        open_day(on=FIRST - timedelta(days=back), actor=CLERK, now=NOW)
    assert refused.value.reason is DateRefusal.NOT_FORWARD
    assert (list(BusinessDate.objects.values()), list(OperationEvent.objects.values())) == before


def test_of_two_who_open_the_next_day_at_once_one_does() -> None:
    """Red without the lock: both would read today, and the second meet the guarded update."""
    open_day(on=FIRST, actor=CLERK, now=NOW)
    calls = [partial(open_day, on=FIRST + timedelta(days=1), actor=CLERK, now=NOW)] * 2
    outcomes = race(*calls, held=BusinessDate.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BusinessDateNotMoved", "date"]
    assert OperationEvent.objects.count() == 2


def roll(times: int = 1) -> None:
    for _ in range(times):
        current_app.tasks["office.roll_business_date"].apply(throw=True)


@time_machine.travel(datetime(2026, 3, 2, 22, 30, tzinfo=UTC), tick=False)
def test_a_wall_clock_opens_the_day_of_its_zone_however_often_beat_fires(settings: Settings) -> None:
    settings.BUSINESS_CLOCK = "wall"
    settings.BUSINESS_TIME_ZONE = "Asia/Shanghai"
    roll(times=3)
    assert get_business_date() == date(2026, 3, 3)
    assert OperationEvent.objects.count() == 1


def test_with_a_manual_clock_only_people_open_days(settings: Settings) -> None:
    settings.BUSINESS_CLOCK = "manual"
    roll()
    assert get_business_date() is None
