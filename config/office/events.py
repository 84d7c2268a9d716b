"""Write the audit trail."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address

from django.db.models import Model

from config.db.rows import insert
from config.db.transactions import require_transaction
from config.kernel.calendar import micros
from config.kernel.money import Money
from config.office.actors import Actor
from config.office.models import OperationEvent
from config.office.origin import current_address
from config.office.signatures import sign

Fact = str | int | bool | None


def subject_of(row: Model) -> str:
    """Name a row as the audit trail does, like `lending.loan:33`."""
    return f"{row._meta.label_lower}:{row.pk}"


def record_event(
    *,
    name: str,
    subject: Model,
    actor: Actor,
    before: Mapping[str, Fact],
    after: Mapping[str, Fact],
    now: datetime,
    amount: Money | None = None,
) -> OperationEvent:
    """Append one event to the transaction that it is about. Raises NoTransaction.

    amount: the money that moves, or is let go.

    Events can never be erased, so `before` and `after` carry states, ids, the names that shops trade under and the
    reason that staff gave, never other personal data; other free text needs a table of its own.
    """
    require_transaction()
    return insert(_event(name, subject, before, after, actor, now, amount))


def record_events(
    *, name: str, changes: Iterable[tuple[Model, Mapping[str, Fact], Mapping[str, Fact]]], actor: Actor, now: datetime
) -> None:
    """Append one event for each subject with its before and after, as `record_event` does. Raises NoTransaction."""
    require_transaction()
    OperationEvent.objects.bulk_create(
        [_event(name, subject, before, after, actor, now) for subject, before, after in changes], batch_size=5_000
    )


def _event(  # noqa: PLR0917 - of two callers
    name: str,
    subject: Model,
    before: Mapping[str, Fact],
    after: Mapping[str, Fact],
    actor: Actor,
    now: datetime,
    amount: Money | None = None,
) -> OperationEvent:
    return signed(
        OperationEvent(
            name=name,
            subject=subject_of(subject),
            actor=str(actor),
            before=dict(before),
            after=dict(after),
            booked_at=now,
            amount_minor=None if amount is None else amount.minor,
            currency=None if amount is None else amount.currency,
            address=current_address(),
        )
    )


def signed(event: OperationEvent) -> OperationEvent:
    """Sign all that an event says, as `office_require_signed_event` reads it."""
    event.signature = sign(
        event._meta.db_table,
        event.name,
        event.subject,
        event.actor,
        event.before,
        event.after,
        micros(event.booked_at),
        event.amount_minor,
        event.currency,
        None if event.address is None else ip_address(event.address).packed.hex(),
    )
    return event
