"""Events of the audit trail that tests make beside any operation."""

from typing import Any

from config.db.rows import insert
from config.office.events import signed
from config.office.models import OperationEvent
from tests.conftest import NOW

PLAIN = {"name": "a.b", "subject": "s", "actor": "system:0", "before": {}, "after": {}, "booked_at": NOW}


def make_event(**columns: Any) -> OperationEvent:  # noqa: ANN401 - of any column
    """Record an event that the application signs."""
    return insert(signed(OperationEvent(**PLAIN | columns)))
