"""Runs: which are due, and what they gave."""

from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count

from config.office.business_date import get_business_date
from merchants.queries.batches import is_settled
from scoring.domain.calibration import GRADES
from scoring.domain.checks import RunSummary
from scoring.domain.features.sets import FEATURE_SETS
from scoring.domain.run import SETTLED_AFTER, RunKind, RunState, RunUnfit, is_due, judge_calibration
from scoring.models import CalibrationVersion, LiveRun, Score, ScorecardVersion, ScoreRun

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
    """Count a run's results, from its stored scores; nulls are None if its feature set is gone."""
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


def reference_run(*, scorecard: ScorecardVersion) -> ScoreRun | None:
    """Get the newest finished run by a card, on which its calibration may be solved."""
    unfit = [RunState.WORKING, RunState.ABANDONED]
    return ScoreRun.objects.full().filter(scorecard=scorecard).exclude(state__in=unfit).order_by("-pk").first()


def get_calibration_refusal(run: ScoreRun) -> RunUnfit | None:
    """Decide whether a calibration may be solved on a run."""
    return judge_calibration(
        kind=RunKind(run.kind), state=RunState(run.state), is_card_in_force=run.scorecard == active_scorecard()
    )


def newest_run() -> ScoreRun | None:
    """Return the full run that was started last."""
    return ScoreRun.objects.full().order_by("-pk").first()


def held_run() -> ScoreRun | None:
    """Return the newest run, if its checks hold it back."""
    run = newest_run()
    return run if run is not None and run.state == RunState.HELD else None


def uncalibrated_run() -> ScoreRun | None:
    """Return the newest run, if it is not published for want of a calibration while older scores are live."""
    run = newest_run()
    waits = run is not None and run.state == RunState.UNPUBLISHED and LiveRun.objects.exists()
    return run if waits else None


def unfinished_run() -> ScoreRun | None:
    """Get the full run in progress."""
    return ScoreRun.objects.full().working().first()


def is_run_due(*, now: datetime) -> bool:
    """Check whether a run starts by itself."""
    on, card = get_business_date(), active_scorecard()
    calibration = None if card is None else active_calibration(scorecard=card)
    return is_due(
        by_calendar=settings.BUSINESS_CLOCK == "wall",
        today=on,
        scored_today=on is not None
        and ScoreRun.objects.full().filter(as_of=on, scorecard=card, calibration=calibration).exists(),
        is_first=calibration is None and not LiveRun.objects.exists(),
        settled=is_settled(before=now - SETTLED_AFTER),
    )
