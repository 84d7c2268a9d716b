"""Where the market stands: its scores, and what the last runs gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from merchants.models import Merchant
from scoring.domain.run import RunState
from scoring.models import LiveRun, RunCheck, ScoreRun
from scoring.queries.figures import RunFigures, figures_of
from scoring.queries.progress import checks_of
from scoring.queries.runs import held_run

LAST_RUNS: Final = 8
TREND_RUNS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOverview:
    """Where the market stands.

    held: the newest run, if its checks hold it back; trend: published runs with their figures, the oldest first.
    """

    merchants: int
    live: ScoreRun | None
    published_at: datetime | None
    figures: RunFigures | None
    held: ScoreRun | None
    runs: Sequence[tuple[ScoreRun, Sequence[RunCheck]]]
    trend: Sequence[tuple[ScoreRun, RunFigures]]


def get_market_overview() -> MarketOverview:
    """Return where the market stands."""
    pointer = LiveRun.objects.select_related("run__scorecard").first()
    runs = list(ScoreRun.objects.full().select_related("calibration").order_by("-pk")[:LAST_RUNS])
    checks = checks_of(runs)
    merchants = Merchant.objects.count()
    return MarketOverview(
        merchants=merchants,
        live=None if pointer is None else pointer.run,
        published_at=None if pointer is None else pointer.published_at,
        figures=None if pointer is None else figures_of(pointer.run),
        held=held_run(),
        runs=[(run, checks[run.pk]) for run in runs],
        trend=published_runs(),
    )


def published_runs() -> list[tuple[ScoreRun, RunFigures]]:
    """Return the last published runs with their figures, the oldest first."""
    published = ScoreRun.objects.full().filter(state=RunState.PUBLISHED).order_by("-pk")[:TREND_RUNS]
    return [(run, figures_of(run)) for run in reversed(published)]
