"""Read warnings, and what they hold back."""

from collections.abc import Collection, Sequence
from datetime import date

from django.db import connection
from django.db.models import Count, Min

from config.db.planning import planned_for_its_values
from config.office.actors import SYSTEM
from lending.domain.origination.facts import Hold
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.warning import WarningState, effects_of
from lending.models import EarlyWarning

STANDING = """
SELECT merchant_id, effects FROM lending_earlywarning
WHERE merchant_id = ANY(%s::bigint[]) AND state IN ('RAISED', 'CONFIRMED')
"""


def holds_of(merchants: Collection[int]) -> dict[int, Hold]:
    """Return what warnings hold back of those merchants of whom any does."""
    standing: dict[int, list[list[Effect]]] = {}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(STANDING, [list(merchants)])
        for merchant, effects in cursor.fetchall():
            standing.setdefault(merchant, []).append([Effect(one) for one in effects])
    return {merchant: hold for merchant, found in standing.items() if (hold := hold_by(found)) is not Hold.NONE}


def hold_by(standing: Sequence[Collection[Effect]]) -> Hold:
    """Return what warnings with these effects hold back together."""
    effects = effects_of(standing)
    if Effect.FREEZE in effects:
        return Hold.DRAWS
    return Hold.NEW_CREDIT if Effect.NO_OFFER in effects else Hold.NONE


def warnings_of(merchant_id: int, *, most: int) -> list[EarlyWarning]:
    """List the warnings of a merchant, the latest first."""
    return list(EarlyWarning.objects.filter(merchant=merchant_id).select_related("merchant").order_by("-pk")[:most])


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


def unjudged_warnings() -> tuple[int, date | None]:
    """Count the warnings that wait for a person, and since when the oldest does."""
    waiting = EarlyWarning.objects.filter(state=WarningState.RAISED, effects__contains=[Effect.REVIEW])
    found = waiting.aggregate(number=Count("pk"), since=Min("raised_on"))
    return found["number"], found["since"]
