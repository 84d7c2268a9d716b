"""Read how far a run is, and what stands in the way of starting or publishing one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Min, Q, Sum

from config.office.business_date import get_business_date
from config.office.models import JobRun
from config.office.models.job_run import JobState
from merchants.models import Merchant
from scoring.domain.run import (
    STAGES,
    AbandonRefusal,
    PublishRefusal,
    RunState,
    Stage,
    StartRefusal,
    judge_abandon,
    judge_publish_anyway,
    judge_start,
)
from scoring.models import RunCheck, Score, ScoreRun
from scoring.queries.runs import active_scorecard, unfinished_run
from scoring.queries.scores import get_live_run


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """Say how far one stage is: parts, merchants done, merchants a second and time left where they are known."""

    stage: Stage
    done: int
    running: int
    parked: int
    merchants: int
    rate: float | None
    left: timedelta | None

    @property
    def percent(self) -> int:
        """Give the share of the parts that are done, rounded down."""
        return self.done * 100 // self.stage.parts


def progress_of(*, run_id: int, now: datetime) -> list[StageProgress]:
    """Say how far each stage of a run is, from the rows of its jobs."""
    jobs = JobRun.objects.filter(name__in=[stage.job for stage in STAGES], subject_id=run_id)
    found = {
        name: _Counts(*counts)
        for name, *counts in jobs.values_list("name")
        .annotate(
            finished=Count("pk", filter=Q(state=JobState.DONE)),
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            parked=Count("pk", filter=Q(state=JobState.PARKED)),
            merchants=Sum("done", default=0),
            began=Min("claimed_at"),
        )
        .order_by()
    }
    return [_stage(stage, found.get(stage.job, _Counts(0, 0, 0, 0, None)), now) for stage in STAGES]


class _Counts(NamedTuple):
    done: int
    running: int
    parked: int
    merchants: int
    began: datetime | None


def _stage(stage: Stage, counts: _Counts, now: datetime) -> StageProgress:
    rate = left = None
    if counts.began is not None and 0 < counts.done < stage.parts:
        passed = max((now - counts.began).total_seconds(), 0.001)
        rate = counts.merchants / passed
        left = timedelta(seconds=round(passed / counts.done * (stage.parts - counts.done)))
    return StageProgress(
        stage=stage,
        done=counts.done,
        running=counts.running,
        parked=counts.parked,
        merchants=counts.merchants,
        rate=rate,
        left=left,
    )


def failures_of(*, run_id: int) -> list[JobRun]:
    """List the jobs of a run that are parked, or failed and wait for their next attempt."""
    jobs = JobRun.objects.filter(name__in=[stage.job for stage in STAGES], subject_id=run_id)
    failed = jobs.filter(Q(state=JobState.PARKED) | (Q(state=JobState.WAITING) & ~Q(error="")))
    return list(failed.order_by("name", "part"))


def is_working(run: ScoreRun) -> bool:
    """Tell whether the workers are not done with the run."""
    return run.state == RunState.WORKING


def get_start_refusal() -> StartRefusal | None:
    """Judge whether a run could be started now; `start_run` judges again, under lock."""
    return judge_start(
        has_date=get_business_date() is not None,
        has_scorecard=active_scorecard() is not None,
        has_merchants=Merchant.objects.exists(),
        another_works=unfinished_run() is not None,
    )


def get_publish_refusal(*, run: ScoreRun, reason: str) -> PublishRefusal | None:
    """Judge whether the run could be published anyway for this reason; `publish_anyway` judges again, under lock."""
    live = get_live_run()
    return judge_publish_anyway(
        state=RunState(run.state), vintage=run.vintage, live=None if live is None else live.vintage, reason=reason
    )


def get_abandon_refusal(*, run: ScoreRun, reason: str) -> AbandonRefusal | None:
    """Judge whether the run could be given up for this reason; `abandon_run` judges again, under lock."""
    return judge_abandon(state=RunState(run.state), reason=reason)


def checks_of(runs: Sequence[ScoreRun]) -> dict[int, list[RunCheck]]:
    """Read the checks of several runs at once, by run."""
    found: dict[int, list[RunCheck]] = {run.pk: [] for run in runs}
    for check in RunCheck.objects.filter(run__in=found).order_by("pk"):
        found[check.run_id].append(check)
    return found


def trend_of(*, merchant_id: int, most: int) -> list[Score]:
    """List the merchant's last scores of published runs, the oldest first."""
    published = Score.objects.filter(merchant=merchant_id, run__state=RunState.PUBLISHED).select_related("run")
    return list(published.order_by("-pk")[:most])[::-1]
