"""Read and move the business date."""

from datetime import date, datetime
from enum import StrEnum

from django.db import connection

from config.db.transactions import operation, require_one
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from config.office.models import BusinessDate


class DateRefusal(StrEnum):
    """Why the business date is not moved."""

    NOT_FORWARD = "NOT_FORWARD"


class BusinessDateNotMoved(Refused[DateRefusal]):
    """The business date was not moved."""


def get_business_date() -> date | None:
    """Return the open business day; None before the office opened its first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current FROM office_businessdate")
        row = cursor.fetchone()
    return None if row is None else row[0]


def current_day(now: datetime) -> date:
    """Return the open business day; that of the moment in an office that has opened none."""
    return get_business_date() or now.date()


def lock_business_date() -> None:
    """Lock the business date until the transaction ends."""
    list(BusinessDate.objects.lock())


def open_day(*, on: date, actor: Actor, now: datetime, is_first: bool = False) -> date:
    """Open a later business day, or the very first one; return it. Raises BusinessDateNotMoved.

    is_first: only if none is open yet.
    """
    with operation():
        row = BusinessDate.objects.lock().first()
        if row is None:
            row = BusinessDate.objects.create(pk=1, current=on)
            before = None
        else:
            before = row.current.isoformat()
            if is_first or on <= row.current:
                raise BusinessDateNotMoved(DateRefusal.NOT_FORWARD)
            require_one(BusinessDate.objects.filter(current=row.current).update(current=on))
        record_event(
            name="office.open_day",
            subject=row,
            actor=actor,
            before={"current": before},
            after={"current": on.isoformat()},
            now=now,
        )
        wake()
        return on
