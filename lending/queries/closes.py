"""Read the closings of days."""

from datetime import date

from lending.domain.day_close import CloseState
from lending.models import DayClose


def last_close() -> DayClose | None:
    """Get the last closing that is done."""
    return DayClose.objects.exclude(state=CloseState.WORKING).order_by("-day").first()


def last_closed_day() -> date | None:
    """Get the last day whose books are closed."""
    close = last_close()
    return None if close is None else close.day


def day_of(*, close_id: int) -> date:
    """Get the day that a closing closes."""
    return DayClose.objects.values_list("day", flat=True).get(pk=close_id)


def books_are_broken() -> bool:
    """Tell whether the last proof failed: then no money leaves until one holds."""
    close = last_close()
    return close is not None and close.state == CloseState.BROKEN
