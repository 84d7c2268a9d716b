"""The dashboard's data: where the market stands, what the last runs gave, what waits for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Final

from django.core.cache import cache
from django.db.models import Count

from config.office.business_date import get_business_date
from config.office.models import JobRun
from config.office.models.job_run import JobState
from merchants.models import Batch, Merchant
from scoring.domain.calibration import GRADES, Grade
from scoring.domain.policy import NOT_SCORED, NotScored
from scoring.domain.run import RunState
from scoring.models import LiveRun, RunCheck, Score, ScoreRun
from scoring.queries.merchants import GOOD_GRADES
from scoring.queries.progress import checks_of

LAST_RUNS: Final = 8
TREND_RUNS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Counts of a run: the scored by grade, with quartiles of the score; the others by reason."""

    scored: int
    grades: Mapping[Grade, int]
    reasons: Mapping[NotScored, int]
    quartiles: tuple[int, int, int] | None

    @property
    def good(self) -> int:
        """Merchants with grade B2 or better."""
        return sum(self.grades[grade] for grade in GOOD_GRADES)

    @property
    def not_scored(self) -> int:
        """Merchants without a score."""
        return sum(self.reasons.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """What the dashboard shows.

    held: the newest run, if its checks hold it back; trend: published runs with their figures, the oldest first.
    """

    business_date: date | None
    merchants: int
    live: ScoreRun | None
    published_at: datetime | None
    figures: RunFigures | None
    held: ScoreRun | None
    runs: Sequence[tuple[ScoreRun, Sequence[RunCheck]]]
    trend: Sequence[tuple[ScoreRun, RunFigures]]
    parked: int
    unsealed: int


def get_dashboard() -> Dashboard:
    """Return what the dashboard shows."""
    pointer = LiveRun.objects.select_related("run__scorecard").first()
    runs = list(ScoreRun.objects.full().select_related("calibration").order_by("-pk")[:LAST_RUNS])
    checks = checks_of(runs)
    published = list(ScoreRun.objects.full().filter(state=RunState.PUBLISHED).order_by("-pk")[:TREND_RUNS])
    merchants = Merchant.objects.count()
    return Dashboard(
        business_date=get_business_date(),
        merchants=merchants,
        live=None if pointer is None else pointer.run,
        published_at=None if pointer is None else pointer.published_at,
        figures=None if pointer is None else figures_of(pointer.run),
        held=next((run for run in runs[:1] if run.state == RunState.HELD), None),
        runs=[(run, checks[run.pk]) for run in runs],
        trend=[(run, figures_of(run)) for run in reversed(published)],
        parked=JobRun.objects.filter(state=JobState.PARKED).count(),
        unsealed=Batch.objects.unsealed().count(),
    )


def figures_of(run: ScoreRun) -> RunFigures:
    """Count a finished run's results, in one pass over its scores; cached, as they never change."""
    finished = 0 if run.finished_at is None else run.finished_at.timestamp()
    key = f"run-figures:{run.pk}:{finished}:{run.scored}:{run.not_scored}"
    found = cache.get(key)
    if not isinstance(found, RunFigures):
        found = _count(run)
        cache.set(key, found, timeout=None)
    return found


def _count(run: ScoreRun) -> RunFigures:
    rows = list(
        Score.objects.filter(run=run)
        .values_list("not_scored", "grade", "score")
        .annotate(Count("pk"))
        .order_by("score")
    )
    scored = [(grade, score, number) for reason, grade, score, number in rows if reason is None]
    return RunFigures(
        scored=sum(number for _, _, number in scored),
        grades={grade: sum(number for held, _, number in scored if held == grade) for grade in GRADES},
        reasons={reason: sum(number for held, _, _, number in rows if held == reason) for reason in NOT_SCORED},
        quartiles=_quartiles([(score, number) for _, score, number in scored]),
    )


def _quartiles(counts: Sequence[tuple[int, int]]) -> tuple[int, int, int] | None:
    """Return the quartiles of the scores, from counts by rising score."""
    reached = list(accumulate(number for _, number in counts))
    if not reached:
        return None
    first, second, third = (
        next(score for (score, _), below in zip(counts, reached, strict=True) if below * 4 >= quarter * reached[-1])
        for quarter in (1, 2, 3)
    )
    return first, second, third
