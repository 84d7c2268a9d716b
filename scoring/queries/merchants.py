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
NEWEST: Final = 1_000
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

    How many there are is known, and most came last: from the first of them on, merchants are compared with scores. If
    the newest do not hold all of them, all merchants are.
    """
    number, unscored = count_newer(), merchants.filter(~_scored_as(Q()))
    if number == 0:
        return merchants.none()
    if number > FEW:
        return unscored
    newest = list(Merchant.objects.order_by("-pk").values_list("pk", flat=True)[: NEWEST + 2 * number])
    scores = Score.objects.filter(run=live_run_id(), merchant__gte=newest[-1])
    found = set(newest).difference(scores.values_list("merchant", flat=True))
    return unscored.filter(pk__gte=min(found)) if len(found) >= number else unscored


def _scored_as(clause: Q) -> Exists:
    return Exists(Score.objects.filter(clause, run=live_run_id(), merchant=OuterRef("pk")))
