import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from config.db.transactions import StaleRow
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.job_runs import claim_job
from config.office.models import BusinessDate, JobRun, OperationEvent
from config.office.models.job_run import JobState
from merchants.models import Merchant
from merchants.models.transaction import PARTITIONS
from scoring.domain.calibration import CalibrationRefusal
from scoring.domain.run import AbandonRefusal, PublishRefusal, RunState, RunUnfit, StartRefusal, is_due
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import LiveRun, MeasuredMerchant, ReferenceMerchant, RunCheck, Score, ScoreRun
from scoring.operations import runs
from scoring.operations.runs import (
    RUN,
    RunNotAbandoned,
    RunNotPublished,
    RunNotStarted,
    abandon_run,
    gather_references,
    publish_act,
    publish_anyway,
    score_shard,
    start_run,
)
from scoring.operations.versions import CalibrationNotMade, ScorecardNotEntered, create_calibration, enter_scorecard
from scoring.queries.progress import get_publish_refusal
from scoring.queries.runs import active_scorecard
from scoring.queries.scores import compute_run, get_live_run, stored_row
from tests.approvals import approved
from tests.conftest import CLERK, NOW, Enqueued
from tests.markets import make_merchants, make_partner, receive, sale
from tests.race import race
from tests.scoring.market import (
    AS_OF,
    FREEZE,
    GATHER,
    SCORE,
    calibrate,
    everything_of,
    make_market,
    run_once,
    work_through,
)
from tests.stages import do_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_reference_run_gives_a_calibration_and_the_next_run_is_published(enqueued: Enqueued) -> None:
    make_market()
    enqueued()
    reference = start_run(actor=CLERK, now=NOW)
    assert sorted(ids["job_id"] for name, ids in enqueued() if name == GATHER) == sorted(
        JobRun.objects.of(GATHER, reference.pk).values_list("pk", flat=True)
    )
    work_through(reference)
    assert (reference.state, get_live_run()) == (RunState.UNPUBLISHED, None)
    assert not Score.objects.filter(run=reference, grade__isnull=False).exists()

    create_calibration(run_id=reference.pk, actor=CLERK, now=NOW)
    published = run_once()

    assert published.state == RunState.PUBLISHED
    assert get_live_run() == published
    assert published.scored + published.not_scored == Merchant.objects.count() == ReferenceMerchant.objects.count() / 2
    assert not Score.objects.filter(run=published, grade__isnull=True).exists()
    assert set(RunCheck.objects.filter(run=published).values_list("note", flat=True)) == {"", "FIRST_RUN"}
    events = OperationEvent.objects.filter(name__startswith="scoring.").order_by("pk").values_list("name", flat=True)
    assert list(events) == [
        "scoring.enter_scorecard",
        "scoring.start_run",
        "scoring.conclude_run",
        "scoring.create_calibration",
        "scoring.start_run",
        "scoring.conclude_run",
    ]


def test_a_score_computed_again_after_later_and_back_dated_rows_is_equal_in_every_column() -> None:
    """Red without the watermark in HISTORY, or if references were read anew instead of from the run's pins."""
    make_market(40)
    calibrate()
    run = run_once()
    stored = [stored_row(score) for score in Score.objects.filter(run=run).order_by("merchant_id")]
    partner = Merchant.objects.first().partner  # type: ignore[union-attr]
    late = [sale(f"late-{day}", f"shop-{day % 40}", occurred_at=f"2026-02-{day:02}T12:00:00Z") for day in range(1, 29)]
    future = [sale(f"new-{day}", f"shop-{day % 40}", occurred_at=f"2026-03-{day:02}T08:00:00Z") for day in (1, 2)]
    receive(partner, late + future)
    make_merchants(partner, "newcomer", category="tea", region="north")
    make_merchants(partner, "shop-0", category="coffee", region="south")

    again = sorted(compute_run(run=run, partitions=range(PARTITIONS)), key=lambda row: row.merchant_id)

    assert again == stored
    assert work_through(start_run(actor=SYSTEM, now=NOW)).scored >= run.scored
    newest = ScoreRun.objects.latest("pk")
    assert everything_of(newest) != everything_of(run), "the later rows change the scores of a later run"


def test_whoever_sleeps_past_the_lease_stores_nothing() -> None:
    """Red without the token in finish_job: both would store the part."""
    make_market(8)
    run = start_run(actor=SYSTEM, now=NOW)
    for job in (*JobRun.objects.of(GATHER, run.pk),):
        work(job)
    work(JobRun.objects.of(FREEZE, run.pk).get())
    job = JobRun.objects.of(SCORE, run.pk).get()
    sleeper = claim_job(job_id=job.pk, now=NOW)
    later = NOW + timedelta(minutes=10)
    awake = claim_job(job_id=job.pk, now=later)
    assert sleeper is not None
    assert awake is not None
    score_shard(claim=awake, clock=lambda: later)
    with pytest.raises(StaleRow):
        score_shard(claim=sleeper, clock=lambda: later)
    assert Score.objects.filter(run=run).count() == 8


def work(job: JobRun) -> None:
    do_job(RUN, job)


def test_two_workers_that_finish_at_once_queue_the_next_stage_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without the lock in finish_part: each would see the other's part undone, and nobody went on."""
    make_market(4)
    monkeypatch.setattr(runs, "RUN", replace(RUN, rows_a_part=1))
    run = start_run(actor=SYSTEM, now=NOW)
    jobs = list(JobRun.objects.of(GATHER, run.pk).order_by("part"))
    for job in jobs[2:]:
        work(job)
    race(*[partial(work, job) for job in jobs[:2]], held=ScoreRun.objects.all())
    assert JobRun.objects.of(FREEZE, run.pk).count() == 1


def test_in_however_many_parts_a_run_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if two parts read one partition, or none; of 32, each reads one, as in runs that were started before."""
    make_market(40)
    whole = run_once()
    for rows_a_part, parts in ((14, 3), (1, 32)):
        monkeypatch.setattr(runs, "RUN", replace(RUN, rows_a_part=rows_a_part))
        run = start_run(actor=SYSTEM, now=NOW)
        assert [JobRun.objects.of(GATHER, run.pk).count(), run.parts, whole.parts] == [parts, parts, 1]
        work_through(run)
        assert everything_of(run) == everything_of(whole)
        assert pinned_of(run) == pinned_of(whole)


def pinned_of(run: ScoreRun) -> list[tuple[object, ...]]:
    fields = [field.attname for field in ReferenceMerchant._meta.fields if field.attname not in {"id", "run_id"}]
    return list(ReferenceMerchant.objects.filter(run=run).order_by("merchant_id").values_list(*fields))


def test_a_run_scores_from_its_one_pass_and_measures_again_where_that_is_of_no_use() -> None:
    """Red if kept measures are not read, are read from another version of the program, or stay after the run."""
    make_market(12)
    found = list[ScoreRun]()
    for change in ({}, {"version": "another"}, {"measures": None}):
        run = start_run(actor=SYSTEM, now=NOW)
        for stage in RUN.stages[:2]:
            for job in JobRun.objects.of(stage.name, run.pk):
                do_job(RUN, job)
        assert MeasuredMerchant.objects.update(run=run, **change) == 12
        found.append(work_through(run))
        assert not MeasuredMerchant.objects.exists()
    as_measured, measured_again, emptied = map(everything_of, found)
    assert as_measured == measured_again
    assert as_measured != emptied


def test_a_merchant_is_pinned_with_its_partition() -> None:
    """Red if a replay looked for its history elsewhere."""
    make_market(50)
    run = start_run(actor=SYSTEM, now=NOW)
    work(JobRun.objects.of(GATHER, run.pk).get())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT m.shard, t.tableoid::regclass::text FROM scoring_referencemerchant m"
            " JOIN merchants_transaction t USING (merchant_id)"
        )
        assert all(table == f"merchants_transaction_p{shard:02}" for shard, table in cursor.fetchall())
    assert ReferenceMerchant.objects.filter(run=run).count() == 50


@pytest.mark.parametrize("refusal", list(StartRefusal))
def test_a_run_is_not_started_and_nothing_happens(refusal: StartRefusal) -> None:
    if refusal is not StartRefusal.NO_BUSINESS_DATE:
        open_day(on=AS_OF, actor=SYSTEM, now=NOW)
    if refusal is StartRefusal.NO_MERCHANTS:
        enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    if refusal is StartRefusal.ANOTHER_RUNS:
        make_market(2)
        start_run(actor=SYSTEM, now=NOW)
    before = (list(ScoreRun.objects.values()), list(OperationEvent.objects.values()), JobRun.objects.count())
    with pytest.raises(RunNotStarted) as refused:
        start_run(actor=CLERK, now=NOW)
    assert refused.value.reason is refusal
    assert (list(ScoreRun.objects.values()), list(OperationEvent.objects.values()), JobRun.objects.count()) == before


def test_of_two_runs_started_at_once_one_is() -> None:
    """Red without the lock of the business date: the second call meets the constraint instead."""
    make_market(2)
    outcomes = race(*[partial(start_run, actor=CLERK, now=NOW)] * 2, held=BusinessDate.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RunNotStarted", "ScoreRun"]


def test_a_run_that_looks_wrong_is_held_until_a_person_says_why() -> None:
    make_market(40)
    calibrate()
    good = run_once()
    partner = Merchant.objects.first().partner  # type: ignore[union-attr]
    flood = [
        sale(f"f{shop}-{day}", f"shop-{shop}", kind="REFUND", amount="9999.00", occurred_at=f"2026-02-{day:02}T12:00Z")
        for shop in range(40)
        for day in range(1, 29)
    ]
    receive(partner, flood)
    held = run_once()
    assert held.state == RunState.HELD
    assert get_live_run() == good
    assert held.checks.filter(passed=False).exists()

    with pytest.raises(RunNotPublished) as refused:
        publish_anyway(run_id=held.pk, reason="  ", actor=CLERK, now=NOW)
    assert refused.value.reason is PublishRefusal.NO_REASON
    assert get_live_run() == good

    reason = "The refunds are real."
    publish_anyway(
        run_id=held.pk, reason=reason, actor=CLERK, now=NOW, approval=approved(publish_act(held, reason=reason))
    )
    assert get_live_run() == held
    event = OperationEvent.objects.get(name="scoring.publish_anyway")
    assert (event.actor, event.before, event.after["reason"]) == (
        str(CLERK),
        {"state": "HELD", "live": good.pk},
        "The refunds are real.",
    )
    with pytest.raises(RunNotPublished) as again:
        publish_anyway(run_id=held.pk, reason="Once more.", actor=CLERK, now=NOW)
    assert again.value.reason is PublishRefusal.NOT_HELD


def test_a_held_run_of_the_live_ones_day_is_older_if_less_was_known() -> None:
    """Red if the page's judgement or the operation's looked at the day alone."""
    make_market(40)
    calibrate()
    early, late = run_once(), run_once()
    ScoreRun.objects.filter(pk__in=[early.pk, late.pk]).update(state=RunState.HELD)
    partner = Merchant.objects.first().partner  # type: ignore[union-attr]
    receive(partner, [sale("late", "shop-1")])
    live = run_once()
    assert get_live_run() == live
    assert early.as_of == live.as_of
    early.refresh_from_db()
    assert get_publish_refusal(run=early, reason="It is right.") is PublishRefusal.OLDER_THAN_PUBLISHED
    with pytest.raises(RunNotPublished) as refused:
        publish_anyway(run_id=early.pk, reason="It is right.", actor=CLERK, now=NOW)
    assert refused.value.reason is PublishRefusal.OLDER_THAN_PUBLISHED
    ScoreRun.objects.filter(pk=late.pk).update(watermark_high=live.watermark_high)
    late.refresh_from_db()
    assert get_publish_refusal(run=late, reason="It is right.") is None
    publish_anyway(run_id=late.pk, reason="It is right.", actor=SYSTEM, now=NOW)
    assert get_live_run() == late


def test_a_run_that_cannot_be_finished_is_given_up_and_another_may_start() -> None:
    make_market(3)
    stuck = start_run(actor=SYSTEM, now=NOW)
    job = JobRun.objects.of(GATHER, stuck.pk).earliest("part")
    claim = claim_job(job_id=job.pk, now=NOW)
    assert claim is not None
    with pytest.raises(RunNotAbandoned) as refused:
        abandon_run(run_id=stuck.pk, reason=" ", actor=CLERK, now=NOW)
    assert refused.value.reason is AbandonRefusal.NO_REASON
    assert ScoreRun.objects.get().state == RunState.WORKING

    abandon_run(run_id=stuck.pk, reason="The disk is full.", actor=CLERK, now=NOW)

    assert set(JobRun.objects.of(GATHER, stuck.pk).values_list("state", flat=True)) == {JobState.DROPPED}
    with pytest.raises(StaleRow):
        gather_references(claim=claim, clock=lambda: NOW)
    assert not ReferenceMerchant.objects.exists()
    assert claim_job(job_id=job.pk, now=NOW) is None
    assert run_once().state == RunState.UNPUBLISHED
    with pytest.raises(RunNotAbandoned) as again:
        abandon_run(run_id=stuck.pk, reason="Once more.", actor=CLERK, now=NOW)
    assert again.value.reason is AbandonRefusal.NOT_WORKING


def test_a_run_is_published_anyway_by_one_of_two() -> None:
    make_market(40)
    calibration = calibrate()
    run = ScoreRun.objects.latest("pk")
    ScoreRun.objects.filter(pk=run.pk).update(state=RunState.HELD, calibration=calibration)
    outcomes = race(
        *[partial(publish_anyway, run_id=run.pk, reason="It is right.", actor=SYSTEM, now=NOW)] * 2,
        held=ScoreRun.objects.all(),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RunNotPublished", "ScoreRun"]
    assert LiveRun.objects.count() == 1


def test_a_calibration_is_solved_once_and_only_on_a_finished_run() -> None:
    make_market(60)
    working = start_run(actor=SYSTEM, now=NOW)
    with pytest.raises(CalibrationNotMade) as refused:
        create_calibration(run_id=working.pk, actor=CLERK, now=NOW)
    assert refused.value.reason is RunUnfit.NOT_DONE
    work_through(working)
    made = create_calibration(run_id=working.pk, actor=CLERK, now=NOW)
    assert create_calibration(run_id=working.pk, actor=CLERK, now=NOW) == made


def test_a_calibration_nobody_passes_for_is_refused() -> None:
    make_market(1)
    run = run_once()
    with pytest.raises(CalibrationNotMade) as refused:
        create_calibration(run_id=run.pk, actor=CLERK, now=NOW, target_ppm=1)
    assert refused.value.reason in set(CalibrationRefusal)


def test_a_merchant_of_a_strange_partner_is_scored_against_its_own() -> None:
    make_market(3)
    other = make_partner("other")
    make_merchants(other, "shop-0")
    run = run_once()
    assert Score.objects.filter(run=run, merchant__partner=other).get().not_scored == "FEW_ORDERS"


def test_an_absurd_history_does_not_stop_its_shard() -> None:
    """Red without `bounded`: the sum leaves 64 bits, and the shard fails every night."""
    partner = make_partner()
    make_merchants(partner, "giant")
    rows = [
        sale(str(number), "giant", amount="9999999999999.99", occurred_at="2026-02-20T12:00Z")
        for number in range(9_400)
    ]
    receive(partner, rows)
    open_day(on=AS_OF, actor=SYSTEM, now=NOW)
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    assert run_once().state == RunState.UNPUBLISHED


@pytest.mark.parametrize(
    ("by_calendar", "has_day", "scored_today", "is_first", "settled", "due"),
    [
        (True, True, False, False, True, True),
        (True, True, False, False, False, True),  # rows arrive all day: only the first run waits for a pause
        (True, True, False, True, True, True),
        (True, True, False, True, False, False),
        (True, True, True, False, True, False),
        (True, False, False, False, True, False),
        (False, True, False, False, True, False),
    ],
)
def test_a_run_is_due(  # noqa: PLR0917
    by_calendar: bool, has_day: bool, scored_today: bool, is_first: bool, settled: bool, due: bool  # noqa: FBT001
) -> None:  # fmt: skip
    today = AS_OF if has_day else None
    found = is_due(by_calendar=by_calendar, today=today, scored_today=scored_today, is_first=is_first, settled=settled)
    assert found is due


def test_an_older_card_or_calibration_is_not_said_to_be_in_force() -> None:
    """Red if entering one again returned it as if the next run used it, while the last entered is used."""
    make_market(2)
    first = active_scorecard()
    run = run_once()
    later = json.loads(DAY_ONE_CARD.read_text())
    later["version"] += 1
    second = enter_scorecard(text=json.dumps(later), actor=SYSTEM, now=NOW)
    assert enter_scorecard(text=json.dumps(later), actor=SYSTEM, now=NOW) == second != first
    with pytest.raises(ScorecardNotEntered):
        enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    assert active_scorecard() == second
    with pytest.raises(CalibrationNotMade) as refused:
        create_calibration(run_id=run.pk, actor=SYSTEM, now=NOW)
    assert refused.value.reason is RunUnfit.OTHER_CARD
