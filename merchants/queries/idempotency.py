"""Read what came of requests."""

from merchants.domain.idempotency import RequestKey
from merchants.models import KeptRequest


def kept_result(request: RequestKey) -> int | None:
    """Get what came of the very same request, if it was done; whether another one used its key, the taking tells."""
    kept = KeptRequest.objects.filter(partner=request.partner_id, key=request.key, digest=request.digest)
    return kept.values_list("result", flat=True).first()
