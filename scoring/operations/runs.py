"""Start a full run, do its stages, publish it."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from config.db.transactions import operation, require_one
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import get_business_date, lock_business_date
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, limit_statements_to_lease, report_progress
from config.office.stages import Pipeline, Stage
from merchants.models import Merchant
from merchants.queries.batches import take_watermark
from merchants.queries.partitions import partitions_of_part
from scoring.domain.checks import check_run
from scoring.domain.features.sets import current_set, get_set
from scoring.domain.integrity import Finding, flags_of
from scoring.domain.reference import freeze
from scoring.domain.run import (
    AbandonRefusal,
    PublishRefusal,
    RunKind,
    RunState,
    StartRefusal,
    conclude,
)
from scoring.models import (
    LiveRun,
    MeasuredMerchant,
    ReferenceCell,
    ReferenceFeed,
    ReferenceRating,
    RunCheck,
    ScoreRun,
)
from scoring.operations.members import pin_findings, pin_members, store_scores
from scoring.queries.figures import count_figures
from scoring.queries.integrity import find
from scoring.queries.progress import get_abandon_refusal, get_publish_refusal, get_start_refusal
from scoring.queries.references import members_of_run, reference_columns_of_run
from scoring.queries.runs import active_calibration, active_scorecard, summarise_run
from scoring.queries.scores import compute_run, get_live_run, get_run, known_to, sellers_less_flagged

MERCHANTS_A_PART: Final = 250
"""About a second of scoring: with fewer, a job costs more than its merchants; with more, a small run has one worker."""


class RunNotStarted(Refused[StartRefusal]):
    """No run was started."""


class RunNotAbandoned(Refused[AbandonRefusal]):
    """The run was not abandoned."""


class RunNotPublished(Refused[PublishRefusal]):
    """The run was not published."""


def start_run(*, actor: Actor, now: datetime) -> ScoreRun:
    """Start a full run as of the business date and as known now. Raises RunNotStarted, Contended."""
    with operation():
        lock_business_date()
        on, scorecard = get_business_date(), active_scorecard()
        refusal = get_start_refusal()
        if refusal is not None or on is None or scorecard is None:
            raise RunNotStarted(refusal or StartRefusal.NO_BUSINESS_DATE)
        watermark = take_watermark()
        run = ScoreRun.objects.create(
            kind=RunKind.FULL,
            as_of=on,
            watermark_high=watermark.high,
            watermark_open=list(watermark.open),
            feature_set=current_set().version,
            scorecard=scorecard,
            calibration=active_calibration(scorecard=scorecard),
            parts=RUN.parts_for(Merchant.objects.count()),
            started_by=str(actor),
            started_at=now,
        )
        record_event(
            name="scoring.start_run", subject=run, actor=actor, before={}, after={"as_of": on.isoformat()}, now=now
        )
        RUN.start(subject_id=run.pk, actor=actor, now=now)
        return run


def gather_references(*, claim: Claim, clock: Clock) -> None:
    """Pin the merchants of one part with their reference measures. Raises StaleRow if fenced off."""
    run = get_run(run_id=claim.subject_id)
    with operation():
        limit_statements_to_lease()
        gathered = pin_members(run, partitions=partitions_of_part(claim.part, run.parts))
        RUN.finish_part(claim=claim, done=gathered, now=clock())


def freeze_references(*, claim: Claim, clock: Clock) -> None:
    """Freeze the run's references from all its members, and which sales are flagged. Raises StaleRow if fenced off."""
    run = get_run(run_id=claim.subject_id)
    features, known, findings = get_set(run.feature_set), known_to(run), list[Finding]()
    members = members_of_run(run_id=run.pk, partitions=None)
    gathered = reference_columns_of_run(run_id=run.pk, members=members)
    if features.is_less_flagged:
        findings = [finding for finding in find(known=known) if finding.fired]
        gathered = sellers_less_flagged(gathered, flags_of(findings), features=features, members=members, known=known)
    frozen = freeze(members.attributes, gathered)
    with operation():
        pin_findings(run_id=run.pk, findings=findings, known=known)
        ReferenceCell.objects.bulk_create(
            [ReferenceCell(run=run, **asdict(cell)) for cell in frozen.cells], batch_size=2_000
        )
        ReferenceRating.objects.bulk_create(
            [ReferenceRating(run=run, **asdict(rating)) for rating in frozen.ratings], batch_size=2_000
        )
        ReferenceFeed.objects.bulk_create([ReferenceFeed(run=run, **asdict(feed)) for feed in frozen.feeds])
        RUN.finish_part(claim=claim, done=len(members.ids), now=clock())


def score_shard(*, claim: Claim, clock: Clock) -> None:
    """Score one part and store its scores. Raises StaleRow if fenced off."""
    run = get_run(run_id=claim.subject_id)
    with operation():
        limit_statements_to_lease()
        rows = compute_run(run=run, partitions=partitions_of_part(claim.part, run.parts))
    report_progress(claim=claim, done=len(rows), total=len(rows), now=clock())
    with operation():
        store_scores(run, rows)
        RUN.finish_part(claim=claim, done=len(rows), now=clock())


def conclude_run(*, claim: Claim, clock: Clock) -> None:
    """Check a run whose parts are scored, and publish it if it passes. Raises StaleRow if fenced off."""
    with operation():
        limit_statements_to_lease()
        ScoreRun.objects.filter(pk=claim.subject_id).lock().get()
        run, live = get_run(run_id=claim.subject_id), _lock_live()
        summary = summarise_run(run=run)
        last = None if live is None else summarise_run(run=live)
        checks = check_run(summary, last, expected=run.members.count())
        now = clock()
        RunCheck.objects.bulk_create([RunCheck(run=run, **asdict(check)) for check in checks])
        state = conclude(
            calibrated=run.calibration is not None,
            all_passed=all(check.passed for check in checks),
            vintage=run.vintage,
            live=None if live is None else live.vintage,
        )
        require_one(
            ScoreRun.objects.working()
            .filter(pk=run.pk)
            .update(
                state=state,
                finished_at=now,
                scored=summary.scored,
                not_scored=summary.merchants - summary.scored,
                figures=count_figures(run).document,
            )
        )
        if state is RunState.PUBLISHED:
            _point_to(run, now=now)
        MeasuredMerchant.objects.filter(run=run).delete()
        record_event(
            name="scoring.conclude_run",
            subject=run,
            actor=SYSTEM,
            before={"state": run.state},
            after={"state": state, "failed": ", ".join(check.name for check in checks if not check.passed)},
            now=now,
        )
        RUN.finish_part(claim=claim, done=summary.merchants, now=now)


def abandon_run(*, run_id: int, reason: str, actor: Actor, now: datetime) -> ScoreRun:
    """Abandon a run that cannot be finished, so that another may start. Raises RunNotAbandoned, DoesNotExist."""
    with operation():
        ScoreRun.objects.filter(pk=run_id).lock().get()
        run = get_run(run_id=run_id)
        refusal = get_abandon_refusal(run=run, reason=reason)
        if refusal is not None:
            raise RunNotAbandoned(refusal)
        working = ScoreRun.objects.working().filter(pk=run_id)
        require_one(working.update(state=RunState.ABANDONED, finished_at=now, decision_reason=reason.strip()))
        RUN.drop(subject_id=run_id, now=now)
        MeasuredMerchant.objects.filter(run=run_id).delete()
        record_event(
            name="scoring.abandon_run",
            subject=run,
            actor=actor,
            before={"state": run.state},
            after={"state": RunState.ABANDONED, "reason": reason.strip()},
            now=now,
        )
        return get_run(run_id=run_id)


def publish_act(run: ScoreRun, *, reason: str) -> Act:
    """Return what a second person has to approve before a run is published that its checks held back."""
    return Act(operation="scoring.publish_anyway", subject=run, arguments={"reason": reason})


def publish_anyway(
    *, run_id: int, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> ScoreRun:
    """Publish a run that its checks held back. Raises RunNotPublished, NotApproved, ScoreRun.DoesNotExist."""
    with operation():
        ScoreRun.objects.filter(pk=run_id).lock().get()
        run, live = get_run(run_id=run_id), _lock_live()
        refusal = get_publish_refusal(run=run, reason=reason)
        if refusal is not None:
            raise RunNotPublished(refusal)
        require_approval(publish_act(run, reason=reason), approval, actor=actor, now=now)
        held = ScoreRun.objects.filter(pk=run_id, state=RunState.HELD)
        require_one(held.update(state=RunState.PUBLISHED, decision_reason=reason.strip()))
        _point_to(run, now=now)
        record_event(
            name="scoring.publish_anyway",
            subject=run,
            actor=actor,
            before={"state": run.state, "live": None if live is None else live.pk},
            after={"state": RunState.PUBLISHED, "reason": reason.strip()},
            now=now,
        )
        return get_run(run_id=run_id)


def _lock_live() -> ScoreRun | None:
    """Lock the pointer, then read it: of two that publish at once, the second sees what the first did."""
    list(LiveRun.objects.lock())
    return get_live_run()


def _point_to(run: ScoreRun, *, now: datetime) -> None:
    if not LiveRun.objects.exists():
        LiveRun.objects.create(pk=1, run=run, published_at=now)
    else:
        require_one(LiveRun.objects.filter(pk=1).update(run=run, published_at=now))
    wake()


RUN: Final = Pipeline(
    subject=ScoreRun,
    rows_a_part=MERCHANTS_A_PART,
    stages=(
        Stage(
            name="scoring.gather_references",
            work=gather_references,
            words=_("Pin merchants, measure peers"),
            counts=_("merchants"),
        ),
        Stage(
            name="scoring.freeze_references",
            work=freeze_references,
            words=_("Freeze the references"),
            counts=_("merchants"),
            is_divided=False,
        ),
        Stage(name="scoring.score_shard", work=score_shard, words=_("Score the merchants"), counts=_("merchants")),
        Stage(
            name="scoring.conclude_run",
            work=conclude_run,
            words=_("Check and publish"),
            counts=_("merchants"),
            is_divided=False,
        ),
    ),
)
