"""What is read from libraries of holidays, each held against another library."""

from datetime import date, timedelta

import pytest
from chinese_calendar import constants
from holidays import country_holidays, financial_holidays

from lending.gateways.calendar_libraries import Library, YearUnknown, read_library

DAY = timedelta(days=1)


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + days * DAY for days in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", range(2007, 2027))
def test_china_is_what_another_library_has_where_both_have_the_notice(year: int) -> None:
    """Red if a make-up Saturday were left out, or a day off that the notice moved."""
    found, source = read_library(Library.CHINA, first_year=year, last_year=year)
    other = country_holidays("CN", years=year)
    assert {day: found.is_business_day(day) for day in days_of(year)} == {
        day: other.is_working_day(day) for day in days_of(year)
    }
    assert found.working, "every year has some"
    assert source.startswith("chinesecalendar 1.")


@pytest.mark.parametrize(("first", "last"), [(2027, 2027), (2026, 2027), (2003, 2004), (2099, 2099)])
def test_a_year_before_its_notice_is_refused_although_others_compute_it(first: int, last: int) -> None:
    assert country_holidays("CN", years=last)
    with pytest.raises(YearUnknown, match="no notice of the State Council for 20"):
        read_library(Library.CHINA, first_year=first, last_year=last)


def test_one_day_of_a_year_does_not_make_it_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library says that it knows a year once New Year's Day of it is in; the Spring Festival would be worked."""
    monkeypatch.setitem(constants.holidays, date(2027, 1, 1), "New Year's Day")
    with pytest.raises(YearUnknown):
        read_library(Library.CHINA, first_year=2027, last_year=2027)


@pytest.mark.parametrize("year", [2024, 2025, 2026, 2027, 2028, 2029, 2030])
def test_brazil_is_the_exchange_without_what_is_closed_there_alone(year: int) -> None:
    """Red if Carnival or Corpus Christi were worked, or Ash Wednesday and Christmas Eve free."""
    found, _ = read_library(Library.BRAZIL, first_year=year, last_year=year)
    exchange = financial_holidays("BVMF", years=year)
    last = max(day for day in exchange if day.month == 12)
    here_alone = {date(year, 12, 24), last}
    weekdays = [day for day in days_of(year) if day.isoweekday() < 6]
    assert [day for day in weekdays if not found.is_business_day(day)] == [
        day for day in weekdays if day in exchange and day not in here_alone
    ]
    assert found.working == ()


def test_a_name_that_the_library_changes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lending.gateways.calendar_libraries.BANKS_CLOSE", {"Carnaval": 2})
    with pytest.raises(YearUnknown, match="Carnaval of 2031"):
        read_library(Library.BRAZIL, first_year=2031, last_year=2031)
