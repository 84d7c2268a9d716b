"""Versions of business calendars."""

from django.db.models import Exists, OuterRef, QuerySet

from config.kernel.business_days import BusinessCalendar
from lending.domain.origination.calendars import parse_calendar
from lending.models import CalendarVersion


def latest_version(name: str) -> CalendarVersion | None:
    """Get the version of a calendar that was entered last; None without one."""
    return CalendarVersion.objects.filter(name=name).order_by("pk").last()


def latest_calendar(name: str) -> BusinessCalendar | None:
    """Return a calendar as it was entered last; None without one. Raises CalendarMalformed."""
    version = latest_version(name)
    return None if version is None else calendar_of(version)


def calendar_by(sha256: str) -> BusinessCalendar | None:
    """Return the calendar of a hash, "" for none. Raises CalendarMalformed."""
    version = CalendarVersion.objects.filter(sha256=sha256).first() if sha256 else None
    return None if version is None else calendar_of(version)


def with_state(versions: QuerySet[CalendarVersion]) -> QuerySet[CalendarVersion]:
    """Annotate each version with `is_latest`, whether it is the one of its name that new loans follow."""
    later = CalendarVersion.objects.filter(name=OuterRef("name"), pk__gt=OuterRef("pk"))
    return versions.annotate(is_latest=~Exists(later))


def calendar_of(version: CalendarVersion) -> BusinessCalendar:
    """Load a stored calendar, verifying its hash. Raises CalendarMalformed."""
    return parse_calendar(version.content, version.sha256)
