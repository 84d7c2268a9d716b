"""Write the audit trail."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Model

from config.db.transactions import require_transaction
from config.office.actors import Actor
from config.office.models import OperationEvent

Fact = str | int | bool | None


def record_event(
    *,
    name: str,
    subject: Model,
    actor: Actor,
    before: Mapping[str, Fact],
    after: Mapping[str, Fact],
    now: datetime,
) -> OperationEvent:
    """Append one event to the transaction that it is about. Raises NoTransaction.

    Events can never be erased, so `before` and `after` carry states, ids and the reason that staff gave, never personal
    data; other free text needs a table of its own.
    """
    require_transaction()
    return OperationEvent.objects.create(
        name=name,
        subject=f"{subject._meta.label_lower}:{subject.pk}",
        actor=str(actor),
        before=dict(before),
        after=dict(after),
        booked_at=now,
    )
