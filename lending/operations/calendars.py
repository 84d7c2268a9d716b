"""Enter business calendars: versions are added, never changed."""

from datetime import datetime
from enum import StrEnum

from config.db.locking import lock_name
from config.db.transactions import operation
from config.jobs import wake
from config.kernel.business_days import BusinessCalendar
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from lending.domain.origination.calendars import canonical_calendar
from lending.models import CalendarVersion
from lending.queries.calendars import latest_version


class CalendarEntryRefusal(StrEnum):
    """Why a valid calendar is not entered."""

    ENTERED = "ENTERED"


class CalendarNotEntered(Refused[CalendarEntryRefusal]):
    """The calendar was not entered."""


def enter_calendar(*, calendar: BusinessCalendar, source: str, actor: Actor, now: datetime) -> CalendarVersion:
    """Enter a version of a calendar, which new loans follow from now on. source: where its days are from.

    Raises CalendarNotEntered, Contended.
    """
    content, sha256 = canonical_calendar(calendar)
    with operation():
        lock_name("lending.calendar", calendar.name)
        before = latest_version(calendar.name)
        if before is not None and before.sha256 == sha256:
            raise CalendarNotEntered(CalendarEntryRefusal.ENTERED)
        version = CalendarVersion.objects.create(
            sha256=sha256,
            name=calendar.name,
            first_year=calendar.first_year,
            last_year=calendar.last_year,
            content=content,
            source=source[:200],
            created_by=str(actor),
            created_at=now,
        )
        record_event(
            name="lending.enter_calendar",
            subject=version,
            actor=actor,
            before={} if before is None else {"sha256": before.sha256},
            after={"sha256": sha256},
            now=now,
        )
        wake()
        return version
