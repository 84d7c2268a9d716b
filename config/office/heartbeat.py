"""Whether due work starts by itself: a probe travels from the scheduler through broker and worker to the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.db.transactions import operation
from config.office.models import Heartbeat

OVERDUE: Final = timedelta(minutes=2)
"""Four missed probes: scheduler, broker or workers were gone, or every worker was busy with something long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """When the last probe arrived, None before the first, and whether that is recent enough."""

    last: datetime | None
    is_alive: bool


def record_heartbeat(*, now: datetime) -> None:
    """Record that a probe arrived."""
    with operation():
        Heartbeat.objects.update_or_create(pk=1, defaults={"at": now})


def get_pulse(*, now: datetime) -> Pulse:
    """Return whether scheduler, broker and workers are alive together."""
    last = Heartbeat.objects.values_list("at", flat=True).first()
    return Pulse(last=last, is_alive=last is not None and now - last <= OVERDUE)
