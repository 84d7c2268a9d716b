"""Record which requests were done, in the transaction of their effect: both commit, or neither."""

from datetime import datetime, timedelta

from config.db.locking import lock_name, try_lock_name
from config.db.transactions import operation, require_transaction
from config.kernel.refusals import Refused
from merchants.domain.idempotency import KeyRefusal, RequestKey
from merchants.models import KeptRequest

KEPT_FOR = timedelta(days=90)


class RequestNotTaken(Refused[KeyRefusal]):
    """The key stands for another request, or for one that is still running."""


def take_request(request: RequestKey) -> int | None:
    """Lock the key until the transaction ends; return the result of the request if it was done before.

    Raises NoTransaction, RequestNotTaken.
    """
    if not try_lock_name("merchants.request", request.partner_id, request.key):
        raise RequestNotTaken(KeyRefusal.STILL_RUNNING)
    return recall_request(request)  # a new statement, after the lock: it sees what the last holder committed


def recall_request(request: RequestKey) -> int | None:
    """Return the result of the request if it was done before, without locking its key. Raises RequestNotTaken."""
    kept = KeptRequest.objects.filter(partner=request.partner_id, key=request.key).first()
    if kept is not None and kept.digest != request.digest:
        raise RequestNotTaken(KeyRefusal.OTHER_BODY)
    return None if kept is None else kept.result


def hold_reference(*, partner_id: int, reference: str) -> None:
    """Lock a partner's own reference until the transaction ends: of two requests with it, the second sees the first.

    An empty reference is not locked. Raises NoTransaction, Contended.
    """
    require_transaction()
    if reference:
        lock_name("merchants.reference", partner_id, reference)


def keep_request(request: RequestKey, *, result: int, now: datetime) -> None:
    """Record the result of the request that was taken. Raises NoTransaction."""
    require_transaction()
    KeptRequest.objects.create(
        partner_id=request.partner_id, key=request.key, digest=request.digest, result=result, kept_at=now
    )


def forget_requests(*, now: datetime) -> int:
    """Delete the requests older than KEPT_FOR: from then on the partner's own references tell them apart."""
    with operation():
        forgotten, _ = KeptRequest.objects.filter(kept_at__lt=now - KEPT_FOR).delete()
        return forgotten
