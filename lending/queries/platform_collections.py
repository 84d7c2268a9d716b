"""What platforms are to withhold."""

from uuid import UUID

from django.db.models import QuerySet

from lending.domain.books.transfer import TransferKind, TransferState
from lending.gateways.registry import PLATFORM
from lending.models import Transfer


def due_from(*, partner_id: int, after: int, limit: int) -> list[Transfer]:
    """List the collections that a partner has not reported on, the oldest first, after a transfer."""
    waiting = _of(partner_id).filter(state=TransferState.PENDING, pk__gt=after)
    return list(waiting.order_by("pk")[:limit])


def get_collection(*, partner_id: int, key: UUID) -> Transfer:
    """Get a collection that a partner was asked for. Raises Transfer.DoesNotExist, also for another partner's."""
    return _of(partner_id).get(key=key)


def _of(partner_id: int) -> QuerySet[Transfer]:
    asked = Transfer.objects.filter(gateway=PLATFORM, kind=TransferKind.COLLECTION)
    return asked.filter(loan__merchant__partner=partner_id).select_related("loan__merchant")
