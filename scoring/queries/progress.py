"""What prevents starting, publishing or abandoning a run, and what its checks found."""

from collections.abc import Sequence

from config.office.business_date import get_business_date
from merchants.models import Merchant
from scoring.domain.run import (
    AbandonRefusal,
    PublishRefusal,
    RunState,
    StartRefusal,
    judge_abandon,
    judge_publish_anyway,
    judge_start,
)
from scoring.models import ReferenceFeed, RunCheck, Score, ScoreRun
from scoring.queries.runs import active_scorecard, unfinished_run
from scoring.queries.scores import get_live_run


def is_working(run: ScoreRun) -> bool:
    """Check whether the workers are still busy with the run."""
    return run.state == RunState.WORKING


def get_start_refusal() -> StartRefusal | None:
    """Decide whether a run could be started now; `start_run` decides again, under lock."""
    return judge_start(
        has_date=get_business_date() is not None,
        has_scorecard=active_scorecard() is not None,
        has_merchants=Merchant.objects.exists(),
        another_works=unfinished_run() is not None,
    )


def get_publish_refusal(*, run: ScoreRun, reason: str) -> PublishRefusal | None:
    """Decide whether the run could be published anyway for this reason; `publish_anyway` decides again, under lock."""
    live = get_live_run()
    return judge_publish_anyway(
        state=RunState(run.state), vintage=run.vintage, live=None if live is None else live.vintage, reason=reason
    )


def get_abandon_refusal(*, run: ScoreRun, reason: str) -> AbandonRefusal | None:
    """Decide whether the run could be abandoned for this reason; `abandon_run` decides again, under lock."""
    return judge_abandon(state=RunState(run.state), reason=reason)


def checks_of(runs: Sequence[ScoreRun]) -> dict[int, list[RunCheck]]:
    """Return the checks of several runs, by run."""
    found: dict[int, list[RunCheck]] = {run.pk: [] for run in runs}
    for check in RunCheck.objects.filter(run__in=found).order_by("pk"):
        found[check.run_id].append(check)
    return found


def feeds_of(run: ScoreRun) -> list[ReferenceFeed]:
    """Return what the run found in each partner's feed; none before its references are frozen."""
    return list(ReferenceFeed.objects.filter(run=run).select_related("partner").order_by("partner__code"))


def trend_of(*, merchant_id: int, most: int) -> list[Score]:
    """List the merchant's last scores of published runs, oldest first."""
    published = Score.objects.filter(merchant=merchant_id, run__state=RunState.PUBLISHED).select_related("run")
    return list(published.order_by("-pk")[:most])[::-1]
