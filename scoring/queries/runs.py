"""Read runs: which are due, and what they gave."""

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count

from config.kernel.exact import Int64s
from config.office.business_date import get_business_date
from scoring.domain.calibration import GRADES
from scoring.domain.checks import RunSummary
from scoring.domain.features.sets import FEATURE_SETS
from scoring.domain.scorecard import Scorecard
from scoring.models import CalibrationVersion, Score, ScorecardVersion, ScoreRun

NULLS = """
SELECT place, count(*) FROM scoring_score, unnest(characteristics) WITH ORDINALITY AS found (value, place)
WHERE run_id = %s AND not_scored IS NULL AND value IS NULL GROUP BY place
"""


def active_scorecard() -> ScorecardVersion | None:
    """Get the card that the next run uses: the last entered."""
    return ScorecardVersion.objects.order_by("-pk").first()


def active_calibration(*, scorecard: ScorecardVersion) -> CalibrationVersion | None:
    """Get the calibration that the next run with this card uses: the last made for it."""
    return scorecard.calibrations.order_by("-pk").first()


def summarise_run(*, run: ScoreRun) -> RunSummary:
    """Count what a run gave, from its stored scores; nulls are None if its feature set is gone."""
    scores = Score.objects.filter(run=run)
    scored = scores.filter(not_scored__isnull=True)
    by_score = dict(scored.values_list("score").annotate(Count("pk")).order_by("score"))
    by_grade = dict(scored.filter(grade__isnull=False).values_list("grade").annotate(Count("pk")).order_by())
    with connection.cursor() as cursor:
        cursor.execute(NULLS, [run.pk])
        nulls = dict(cursor.fetchall())
    features = FEATURE_SETS.get(run.feature_set)
    return RunSummary(
        merchants=scores.count(),
        scored=sum(by_score.values()),
        nulls=None
        if features is None
        else {name: nulls.get(place, 0) for place, name in enumerate(features.names, start=1)},
        scores=by_score,
        grades=tuple(by_grade.get(grade.value, 0) for grade in GRADES) if by_grade else (),
    )


def passing_scores(*, run_id: int, card: Scorecard) -> tuple[Int64s, dict[str, Int64s]]:
    """Read the scores, and the points by row of the card, of the scored merchants of a run that fail no gate."""
    passing = Score.objects.filter(run=run_id, not_scored__isnull=True, gates=[]).order_by("merchant_id")
    rows = list(passing.values_list("score", "points"))
    points = np.array([points for _, points in rows], np.int64).reshape(len(rows), len(card.rows))
    return (
        np.array([score for score, _ in rows], np.int64),
        {row.name: points[:, place] for place, row in enumerate(card.rows)},
    )


def unfinished_run() -> ScoreRun | None:
    """Get the full run that is being worked on."""
    return ScoreRun.objects.full().working().first()


def is_run_due() -> bool:
    """Tell whether the office goes by the wall clock and its business date has no run yet."""
    on = get_business_date()
    return (
        settings.BUSINESS_CLOCK == "wall" and on is not None and not ScoreRun.objects.full().filter(as_of=on).exists()
    )
