"""Move dates to business days, by calendars that are data and know some years only."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from config.kernel.documents import Unfit, unfit

DAYS_IN_WEEK: Final = 7
LONGEST_CLOSURE: Final = 31
"""Days in a row that may be no business days: beyond any holiday."""


class BusinessDayRule(StrEnum):
    """Where a date moves that is no business day (ISDA 2006 definitions, section 4.12)."""

    NONE = "NONE"  # nowhere
    FOLLOWING = "FOLLOWING"
    MODIFIED_FOLLOWING = "MODIFIED_FOLLOWING"  # to the one before where the next is in another month
    PRECEDING = "PRECEDING"


class UnknownDay(Exception):
    """The calendar cannot tell whether a date is a business day; the message says which date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """The business days of some years. Raises Unfit.

    first_year, last_year: the years that it knows, both included. weekend: the days of every week that are none, 1 for
    Monday to 7. holidays: other days that are none. working: days of a weekend that are business days.
    """

    name: str
    first_year: int
    last_year: int
    weekend: tuple[int, ...]
    holidays: tuple[date, ...]
    working: tuple[date, ...]

    def __post_init__(self) -> None:
        if not self.name:
            raise unfit(self.name, "name", "a name")
        if not date.min.year <= self.first_year <= self.last_year <= date.max.year:
            raise unfit(self.first_year, "first_year", f"a year from 1 to last_year, {self.last_year}")
        if not set(self.weekend) < set(range(1, DAYS_IN_WEEK + 1)):
            raise unfit(list(self.weekend), "weekend", "some of the days 1 to 7, and not all")
        for field, days in (("holidays", self.holidays), ("working", self.working)):
            for day in days:
                if not self.first_year <= day.year <= self.last_year:
                    raise unfit(day.isoformat(), field, f"a day of {self.first_year} to {self.last_year}")
        if both := set(self.holidays) & set(self.working):
            message = f"working: {min(both)} is a holiday too"
            raise Unfit(message)

    def is_business_day(self, day: date) -> bool:
        """Tell whether a date is a business day. Raises UnknownDay."""
        if not self.first_year <= day.year <= self.last_year:
            message = f"the calendar {self.name} knows {self.first_year} to {self.last_year}, not {day}"
            raise UnknownDay(message)
        return day in self.working or (day.isoweekday() not in self.weekend and day not in self.holidays)

    def adjusted(self, day: date, rule: BusinessDayRule) -> date:
        """Move a date to a business day. Raises UnknownDay, also where the days that it passes are not known."""
        if rule is BusinessDayRule.NONE or self.is_business_day(day):
            return day
        moved = self._next(day, -1 if rule is BusinessDayRule.PRECEDING else 1)
        if rule is BusinessDayRule.MODIFIED_FOLLOWING and moved.month != day.month:
            return self._next(day, -1)
        return moved

    def _next(self, day: date, step: int) -> date:
        for days in range(1, LONGEST_CLOSURE + 1):
            moved = day + timedelta(days=step * days)
            if self.is_business_day(moved):
                return moved
        message = f"the calendar {self.name} has no business day within {LONGEST_CLOSURE} days of {day}"
        raise UnknownDay(message)
