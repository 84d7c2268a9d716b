"""Merchants with their live scores."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from merchants.models import Merchant
from scoring.domain.calibration import Grade
from scoring.domain.policy import NotScored
from scoring.models import LiveRun, Score

FEW: Final = 10_000
FIRST_AFTER_ALL: Final = 2**63 - 1
GOOD_GRADES: Final = (Grade.A1, Grade.A2, Grade.B1, Grade.B2)


class Outcome(StrEnum):
    """What the live run may have found of a merchant."""

    SCORED = "scored"
    NOT_SCORED = "not_scored"
    FEW_ORDERS = "few_orders"
    NO_RECENT_SALE = "no_recent_sale"
    TOO_YOUNG = "too_young"
    UNKNOWN = "unknown"


class GradeFilter(StrEnum):
    """The grades to filter by: each of them, or all good ones."""

    GOOD = "good"
    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    D = "D"


def live_run_id() -> int | None:
    """Return the id of the run whose scores are live."""
    return LiveRun.objects.values_list("run", flat=True).first()


def with_outcome(merchants: QuerySet[Merchant], outcome: Outcome) -> QuerySet[Merchant]:
    """Filter to the merchants with this outcome in the live run."""
    if outcome is Outcome.UNKNOWN:
        return _newer_than_live(merchants)
    if outcome is Outcome.SCORED:
        return merchants.filter(_scored_as(Q(not_scored__isnull=True)))
    if outcome is Outcome.NOT_SCORED:
        return merchants.filter(_scored_as(Q(not_scored__isnull=False)))
    return merchants.filter(_scored_as(Q(not_scored=NotScored(outcome.upper()))))


def with_grade(merchants: QuerySet[Merchant], chosen: GradeFilter) -> QuerySet[Merchant]:
    """Filter to the scored merchants with this grade, or with a good one."""
    grades = GOOD_GRADES if chosen is GradeFilter.GOOD else (Grade(chosen),)
    return merchants.filter(_scored_as(Q(grade__in=grades, not_scored__isnull=True)))


def with_live_score(merchants: QuerySet[Merchant]) -> QuerySet[Merchant]:
    """Annotate merchants with `live_score`, null if not scored."""
    live = Score.objects.filter(run=live_run_id(), merchant=OuterRef("pk"), not_scored__isnull=True)
    return merchants.annotate(live_score=Subquery(live.values("score")[:1]))


def live_scores(merchant_ids: Iterable[int]) -> dict[int, Score]:
    """Return the live scores of these merchants, by merchant."""
    scores = Score.objects.filter(run=live_run_id(), merchant__in=list(merchant_ids)).select_related("run")
    return {score.merchant_id: score for score in scores}


def count_newer() -> int:
    """Count the merchants that the live run does not know: all of them, less those that it does."""
    run = LiveRun.objects.select_related("run").first()
    return Merchant.objects.count() - (0 if run is None else run.run.scored + run.run.not_scored)


def _newer_than_live(merchants: QuerySet[Merchant]) -> QuerySet[Merchant]:
    """Filter to the merchants without a result in the live run.

    How many there are is known, and they came last: only from the first of them on are merchants compared with scores.
    """
    number, unscored = count_newer(), merchants.filter(~_scored_as(Q()))
    return unscored if number > FEW else unscored.filter(pk__gte=_first_newer(number))


def _first_newer(number: int) -> int:
    """Find the lowest key of the merchants that the live run does not know, from the newest on until all are found.

    Where one has a key far below, all are compared: 0.
    """
    run, newest, taken = live_run_id(), Merchant.objects.order_by("-pk"), 1_000 + 2 * number
    lowest = before = FIRST_AFTER_ALL
    while number > 0:
        if taken > 4 * FEW:
            return 0
        ids = list(newest.filter(pk__lt=before).values_list("pk", flat=True)[:taken])
        if not ids:
            break
        before = ids[-1]
        scored = set(
            Score.objects.filter(run=run, merchant__gte=before, merchant__lte=ids[0]).values_list("merchant", flat=True)
        )
        unscored = [pk for pk in ids if pk not in scored]
        number, taken = number - len(unscored), 2 * taken
        lowest = unscored[-1] if unscored else lowest
    return lowest


def _scored_as(clause: Q) -> Exists:
    return Exists(Score.objects.filter(clause, run=live_run_id(), merchant=OuterRef("pk")))
