"""How much people decided and the audit trail recorded in each of the last weeks, by the clock; the oldest first."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncDay

from config.office.models import ApprovalRequest, AuditSeal
from config.office.models.approval_request import RequestState

WEEKS: Final = 8
DECIDED: Final = (RequestState.APPROVED, RequestState.REJECTED)


def approvals_by_week(now: datetime) -> list[int | None]:
    """Count the requests that a second person decided."""
    decided = ApprovalRequest.objects.filter(state__in=DECIDED, decided_at__gt=now - timedelta(weeks=WEEKS))
    counted = decided.annotate(day=TruncDay("decided_at")).values("day").annotate(number=Count("pk"))
    return _by_week(counted.values_list("day", "number"), now)


def events_by_week(now: datetime) -> list[int | None]:
    """Count the events that were sealed."""
    seals = AuditSeal.objects.filter(sealed_at__gt=now - timedelta(weeks=WEEKS))
    counted = seals.annotate(day=TruncDay("sealed_at")).values("day").annotate(number=Sum("events"))
    return _by_week(counted.values_list("day", "number"), now)


def _by_week(counted: Iterable[tuple[datetime, int]], now: datetime) -> list[int | None]:
    """Sum by week; None of those that ended before the audit trail was sealed for the first time."""
    first = AuditSeal.objects.aggregate(first=Min("sealed_at"))["first"] or now
    weeks = [0] * WEEKS
    for day, number in counted:
        weeks[min((now - day).days // 7, WEEKS - 1)] += number
    ended = [now - timedelta(weeks=back) >= first for back in range(WEEKS)]
    return [number if is_known else None for number, is_known in zip(weeks, ended, strict=True)][::-1]
