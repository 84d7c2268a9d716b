"""Calendars for products: short ones, whose years end where a test wants them to."""

import json
from collections.abc import Callable
from typing import Any

from config.kernel.business_days import BusinessCalendar
from config.office.actors import SYSTEM
from lending.domain.origination.calendars import calendar_from
from lending.models import CalendarVersion
from lending.operations.calendars import enter_calendar
from tests.conftest import NOW


def document(**changes: object) -> str:
    """Write a calendar in which 1 to 3 May 2026 are free, and Saturday 9 May is worked."""
    days = {"holidays": ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"], "working": ["2026-05-09"]}
    return json.dumps({"name": "town", "first_year": 2026, "last_year": 2027, "weekend": [6, 7], **days, **changes})


def calendar(**changes: object) -> BusinessCalendar:
    return calendar_from(document(**changes))


def make_calendar(**changes: object) -> CalendarVersion:
    return enter_calendar(calendar=calendar(**changes), source="a test", actor=SYSTEM, now=NOW)


def by_calendar(rule: str = "FOLLOWING", **terms: object) -> Callable[[dict[str, Any]], object]:
    """Change the document of a product: its loans fall due on business days of the calendar."""
    return lambda data: data["contract"].update(business_days=rule, calendar="town", **terms)
