"""The dashboard's data: where the market stands, what the last runs gave, what waits for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from config.office.business_date import get_business_date
from config.office.models import JobRun
from config.office.models.job_run import JobState
from merchants.models import Batch, Merchant
from scoring.domain.run import RunState
from scoring.models import LiveRun, RunCheck, ScoreRun
from scoring.queries.figures import RunFigures, figures_of
from scoring.queries.progress import checks_of

LAST_RUNS: Final = 8
TREND_RUNS: Final = 12


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
