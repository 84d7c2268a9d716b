"""Read warnings, and what they hold back."""

from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet

from config.office.actors import SYSTEM
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.warning import WarningState
from lending.models import EarlyWarning


def standing_warnings(merchant_id: int) -> list[EarlyWarning]:
    """List the warnings of a merchant that stand, the oldest first."""
    return list(EarlyWarning.objects.standing().filter(merchant=merchant_id).order_by("pk"))


def lifted_by_people(merchants: Collection[int], *, since: date) -> dict[tuple[int, Signal], date]:
    """Return when people last lifted a warning of a merchant and signal, from a date on."""
    found = EarlyWarning.objects.filter(
        merchant__in=merchants, state=WarningState.LIFTED, lifted_on__gte=since
    ).exclude(decided_by=str(SYSTEM))
    latest: dict[tuple[int, Signal], date] = {}
    for one in found.order_by("lifted_on"):
        if one.lifted_on is not None:
            latest[one.merchant_id, Signal(one.signal)] = one.lifted_on
    return latest


def warnings_to_review() -> QuerySet[EarlyWarning]:
    """Return the warnings that wait for a person."""
    return EarlyWarning.objects.filter(state=WarningState.RAISED, effects__contains=[Effect.REVIEW])
