"""Read merchants with their live scores."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from merchants.models import Merchant
from scoring.domain.calibration import Grade
from scoring.domain.policy import NotScored
from scoring.models import LiveRun, Score

GOOD_GRADES: Final = (Grade.A1, Grade.A2, Grade.B1, Grade.B2)
MOST_VALUES: Final = 300
# A loose scan of the index (PostgreSQL wiki, "Loose indexscan"): as many look-ups as there are values, not rows.
DISTINCT: Final = """
WITH RECURSIVE found AS (
    (SELECT {column} AS value FROM merchants_merchant ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM merchants_merchant WHERE {column} > found.value ORDER BY {column} LIMIT 1)
    FROM found WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value <> '' LIMIT %s
"""


class Outcome(StrEnum):
    """Name what the live run may say of a merchant."""

    SCORED = "scored"
    NOT_SCORED = "not_scored"
    FEW_ORDERS = "few_orders"
    NO_RECENT_SALE = "no_recent_sale"
    TOO_YOUNG = "too_young"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """Name the grades to filter by: each of them, or all that are good enough."""

    GOOD = "good"
    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    D = "D"


def live_run_id() -> int | None:
    """Get the run whose scores are live."""
    return LiveRun.objects.values_list("run", flat=True).first()


def with_outcome(merchants: QuerySet[Merchant], outcome: Outcome) -> QuerySet[Merchant]:
    """Keep the merchants of whom the live run says this."""
    if outcome is Outcome.UNKNOWN:
        return merchants.filter(~_scored_as(Q()))
    if outcome is Outcome.SCORED:
        return merchants.filter(_scored_as(Q(not_scored__isnull=True)))
    if outcome is Outcome.NOT_SCORED:
        return merchants.filter(_scored_as(Q(not_scored__isnull=False)))
    return merchants.filter(_scored_as(Q(not_scored=NotScored(outcome.upper()))))


def with_standing(merchants: QuerySet[Merchant], standing: Standing) -> QuerySet[Merchant]:
    """Keep the scored merchants with this grade, or with a good one."""
    grades = GOOD_GRADES if standing is Standing.GOOD else (Grade(standing),)
    return merchants.filter(_scored_as(Q(grade__in=grades, not_scored__isnull=True)))


def search_merchants(merchants: QuerySet[Merchant], term: str) -> QuerySet[Merchant]:
    """Keep those whose external id or name begins so; names also as they are usually written."""
    beginnings = {term, term.capitalize(), term.title()}
    by_name = [Q(name__startswith=beginning) for beginning in sorted(beginnings)]
    found = Q(external_id__startswith=term)
    for clause in by_name:
        found |= clause
    return merchants.filter(found)


def live_scores(merchant_ids: Iterable[int]) -> dict[int, Score]:
    """Read the live scores of these merchants, by merchant."""
    scores = Score.objects.filter(run=live_run_id(), merchant__in=list(merchant_ids)).select_related("run")
    return {score.merchant_id: score for score in scores}


def categories() -> list[str]:
    """List the categories, at most 300."""
    return _distinct("category")


def regions() -> list[str]:
    """List the regions, at most 300."""
    return _distinct("region")


def siblings_of(merchant: Merchant, *, most: int) -> list[Merchant]:
    """List the other merchants of the same owner."""
    if merchant.owner_id is None:
        return []
    return list(Merchant.objects.filter(owner=merchant.owner_id).exclude(pk=merchant.pk).order_by("pk")[:most])


def _scored_as(clause: Q) -> Exists:
    return Exists(Score.objects.filter(clause, run=live_run_id(), merchant=OuterRef("pk")))


def _distinct(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(DISTINCT.format(column=column), [MOST_VALUES])
        return [value for (value,) in cursor.fetchall()]
