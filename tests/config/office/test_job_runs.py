from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import cast

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection, transaction

from config.db.transactions import NoTransaction, StaleRow, operation
from config.office.job_runs import (
    MAX_ERROR,
    Claim,
    Clock,
    claim_job,
    drop_jobs,
    fail_job,
    finish_job,
    limit_statements_to_lease,
    queue_jobs,
    report_progress,
    resume_job,
    run_job,
    sweep_jobs,
)
from config.office.models import BusinessDate, JobRun, OperationEvent
from config.office.models.job_run import JobState
from tests.conftest import CLERK, NOW, Enqueued
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "merchants.fill_batch"
SECOND = timedelta(seconds=1)
LEASE: timedelta = settings.JOB_LEASE
OLD = LEASE / 2
LIMIT = "statement_timeout"


def queue(*parts: int, subject_id: int = 1) -> list[JobRun]:
    with operation():
        queue_jobs(name=NAME, subject_id=subject_id, parts=parts or [0], actor=CLERK, now=NOW)
    return list(JobRun.objects.of(NAME, subject_id).order_by("part"))


def claim(job: JobRun, now: datetime = NOW) -> Claim:
    claimed = claim_job(job_id=job.pk, now=now)
    assert claimed is not None
    return claimed


def finish(claimed: Claim, now: datetime = NOW) -> None:
    with operation():
        BusinessDate.objects.create(pk=1, current=NOW.date())  # the result that must not outlive a lost claim
        finish_job(claim=claimed, done=5, now=now)


def everything() -> tuple[object, ...]:
    return (
        list(JobRun.objects.order_by("pk").values()),
        list(OperationEvent.objects.order_by("pk").values()),
        list(BusinessDate.objects.values()),
    )


def test_jobs_are_sent_one_a_part_with_the_commit_of_what_they_are_for(enqueued: Enqueued) -> None:
    jobs = queue(0, 1, 2)
    assert enqueued() == [(NAME, {"job_id": job.pk}) for job in jobs]
    with operation():
        queue_jobs(name=NAME, subject_id=2, parts=[0], actor=CLERK, now=NOW)
        transaction.set_rollback(True)
    with pytest.raises(NoTransaction):
        queue_jobs(name=NAME, subject_id=3, parts=[0], actor=CLERK, now=NOW)
    assert enqueued() == []
    assert JobRun.objects.count() == 3


def test_a_claim_is_a_lease_with_a_token_that_rises() -> None:
    [job] = queue()
    assert claim(job) == Claim(job_id=job.pk, name=NAME, subject_id=1, part=0, token=1)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.token) == (JobState.RUNNING, 1, 1)
    assert (job.claimed_at, job.lease_until) == (NOW, NOW + LEASE)
    assert claim(job, NOW + LEASE + SECOND).token == 2


@pytest.mark.parametrize("after", [timedelta(0), LEASE - SECOND, LEASE])
def test_under_its_lease_a_job_is_nobody_elses(after: timedelta) -> None:
    """Red if a running job could be claimed before its lease is over."""
    [job] = queue()
    claim(job)
    before = everything()
    assert claim_job(job_id=job.pk, now=NOW + after) is None
    assert everything() == before


def in_threads(*calls: Callable[[], object]) -> list[object]:
    """Make the calls at the same moment, each with a connection of its own."""
    together = Barrier(len(calls))

    def made(call: Callable[[], object]) -> object:
        try:
            together.wait(timeout=60)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [outcome.result() for outcome in [pool.submit(made, call) for call in calls]]


def test_of_two_workers_that_want_the_same_jobs_each_job_goes_to_one() -> None:
    """Red without select_for_update: the second worker would meet the guarded update and raise StaleRow."""
    jobs = queue(*range(20))

    def take_all() -> list[int]:
        return [job.pk for job in jobs if claim_job(job_id=job.pk, now=NOW)]

    taken = [job for worker in in_threads(take_all, take_all) for job in cast("list[int]", worker)]
    assert sorted(taken) == [job.pk for job in jobs]
    assert set(JobRun.objects.values_list("token", "attempts")) == {(1, 1)}


def test_a_claim_does_not_wait_for_whoever_holds_the_row() -> None:
    """Red without SKIP LOCKED: the worker would stand still until lock_timeout."""
    [job] = queue()
    with operation():
        list(JobRun.objects.filter(pk=job.pk).lock())
        assert in_threads(partial(claim_job, job_id=job.pk, now=NOW)) == [None]
    assert claim(job).token == 1


def test_whoever_was_overtaken_stores_nothing() -> None:
    """Red without the token in `held`: the results of both workers would be committed."""
    [job] = queue()
    sleeper = claim(job)
    later = NOW + LEASE + SECOND
    awake = claim(job, later)
    before = everything()
    with pytest.raises(StaleRow):
        finish(sleeper, later)
    with pytest.raises(StaleRow):
        report_progress(claim=sleeper, done=1, total=2, now=later)
    fail_job(claim=sleeper, error="too late", now=later)
    assert everything() == before
    finish(awake, later)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.lease_until, job.finished_at) == (JobState.DONE, 5, 5, None, later)


def test_a_claim_lost_while_its_results_wait_to_be_committed_is_noticed() -> None:
    """Red if the token were read before the row is locked."""
    [job] = queue()
    claimed = claim(job)
    [outcome] = race(
        partial(finish, claimed),
        held=JobRun.objects.all(),
        then=lambda: JobRun.objects.filter(pk=job.pk).update(token=2, attempts=2),
    )
    assert isinstance(outcome, StaleRow)
    assert not BusinessDate.objects.exists()


def test_progress_renews_the_lease() -> None:
    """Red if only the counts were written: a long job would be given to another in the middle."""
    [job] = queue()
    claimed = claim(job)
    later = NOW + LEASE - SECOND
    report_progress(claim=claimed, done=3, total=9, now=later)
    job.refresh_from_db()
    assert (job.done, job.total, job.lease_until) == (3, 9, later + LEASE)
    assert claim_job(job_id=job.pk, now=NOW + LEASE + SECOND) is None
    assert claim(job, later + LEASE + SECOND).token == 2
    job.refresh_from_db()
    assert job.done == 0, "whoever starts again has done nothing yet"


def test_a_result_and_its_jobs_end_are_committed_together() -> None:
    [job] = queue()
    claimed = claim(job)
    with pytest.raises(NoTransaction):
        finish_job(claim=claimed, done=5, now=NOW)
    with operation():
        finish_job(claim=claimed, done=5, now=NOW)
        transaction.set_rollback(True)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    finish(claimed)
    before = everything()
    with pytest.raises(StaleRow), operation():
        finish_job(claim=claimed, done=5, now=NOW)
    assert claim_job(job_id=job.pk, now=NOW + 9 * LEASE) is None
    assert everything() == before


def test_a_job_that_fails_waits_and_is_parked_after_its_third_attempt() -> None:
    """Red with `>` for `>=`: a job that can never be done would be tried once more, or for ever."""
    [job] = queue()
    states = []
    for attempt in range(settings.JOB_MAX_ATTEMPTS):
        fail_job(claim=claim(job), error=f"attempt {attempt + 1} " + "!" * MAX_ERROR, now=NOW)
        job.refresh_from_db()
        states.append((job.state, job.attempts, job.error[:9], len(job.error), job.lease_until, job.finished_at))
    waiting, parked = JobState.WAITING, JobState.PARKED
    assert states == [
        (state, number, f"attempt {number}", MAX_ERROR, None, None)
        for number, state in enumerate([waiting, waiting, parked], start=1)
    ]
    before = everything()
    assert claim_job(job_id=job.pk, now=NOW + 9 * LEASE) is None
    assert everything() == before


def test_run_job_keeps_the_error_and_is_silent_when_fenced_or_not_needed() -> None:
    [job] = queue()

    def overtaken(*, claim: Claim, clock: Clock) -> None:  # noqa: ARG001 - the shape of work
        JobRun.objects.filter(pk=claim.job_id).update(token=9)
        raise StaleRow

    run_job(job.pk, overtaken)
    job.refresh_from_db()
    assert (job.state, job.token, job.error) == (JobState.RUNNING, 9, "")

    def broken(*, claim: Claim, clock: Clock) -> None:  # noqa: ARG001
        raise KeyError(claim.part)

    def sound(*, claim: Claim, clock: Clock) -> None:
        finish(claim, clock())

    [other] = queue(subject_id=2)
    run_job(other.pk, broken)
    other.refresh_from_db()
    assert (other.state, other.error) == (JobState.WAITING, "KeyError: 0")
    run_job(other.pk, sound)
    run_job(other.pk, broken)
    other.refresh_from_db()
    assert (other.state, other.error) == (JobState.DONE, "")


def test_the_sweep_sends_again_what_the_broker_lost(enqueued: Enqueued) -> None:
    """Red without the sweep: the rows say what is due, and nobody is told."""
    waiting, running, done = queue(0, 1, 2)
    claim(running)
    finish(claim(done))
    enqueued()  # the broker was emptied
    assert sweep_jobs(now=NOW + OLD, older_than=OLD) == 0, "not older than half a lease yet"
    later = NOW + OLD + SECOND
    assert sweep_jobs(now=later, older_than=OLD) == 1
    assert enqueued() == [(NAME, {"job_id": waiting.pk})]
    assert sweep_jobs(now=later, older_than=OLD) == 0, "sent a moment ago"
    expired = NOW + 2 * LEASE
    assert sweep_jobs(now=expired, older_than=OLD) == 2
    assert enqueued() == [(NAME, {"job_id": job.pk}) for job in (waiting, running)]
    assert claim(running, expired).token == 2


def test_the_sweep_parks_what_died_at_its_last_attempt(enqueued: Enqueued) -> None:
    """Red without it: no worker may claim it, no error says why, and its run would never end."""
    [job] = queue()
    now = NOW
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        claim(job, now)
        now += LEASE + SECOND
    assert claim_job(job_id=job.pk, now=now) is None
    enqueued()
    assert sweep_jobs(now=now, older_than=OLD) == 0
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.error) == (JobState.PARKED, None, "The worker died at the last attempt.")
    assert enqueued() == []


def test_two_sweeps_at_once_send_a_job_once(enqueued: Enqueued) -> None:
    queue(*range(10))
    enqueued()
    later = NOW + LEASE
    sent = in_threads(*[partial(sweep_jobs, now=later, older_than=OLD)] * 2)
    assert sum(cast("list[int]", sent)) == len(enqueued()) == 10


def test_the_task_of_the_sweep_is_known_to_beat(enqueued: Enqueued) -> None:
    queue()
    enqueued()
    entries = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert entries <= set(current_app.tasks)
    current_app.tasks["office.sweep_jobs"].apply(throw=True)  # by the real clock NOW is long ago
    assert len(enqueued()) == 1


def test_a_parked_job_is_resumed_with_all_its_attempts(enqueued: Enqueued) -> None:
    [job] = queue()
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        fail_job(claim=claim(job), error="the disk is full", now=NOW)
    enqueued()
    assert resume_job(job_id=job.pk, actor=CLERK, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.token) == (JobState.WAITING, 0, 3)
    event = OperationEvent.objects.get()
    assert (event.name, event.actor, event.subject) == ("office.resume_job", str(CLERK), f"office.jobrun:{job.pk}")
    assert (event.before, event.after) == ({"state": "PARKED", "attempts": 3}, {"state": "WAITING"})
    assert enqueued() == [(NAME, {"job_id": job.pk})]
    assert claim(job).token == 4


@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.PARKED])
def test_only_a_parked_job_is_resumed_else_nothing_happens(state: JobState, enqueued: Enqueued) -> None:
    """Red without the state in the update: a running job would lose its worker, a done one be done twice."""
    [job] = queue()
    if state in {JobState.RUNNING, JobState.DONE}:
        claimed = claim(job)
        if state is JobState.DONE:
            finish(claimed)
    elif state is JobState.DROPPED:
        drop(job)
    job.refresh_from_db()
    assert job.state == state
    enqueued()
    before = everything()
    assert not resume_job(job_id=job.pk, actor=CLERK, now=NOW)
    assert everything() == before
    assert enqueued() == []


def test_a_job_resumed_by_two_at_once_is_resumed_once(enqueued: Enqueued) -> None:
    """Red without the lock and the state in the update together: two events, two messages."""
    [job] = queue()
    JobRun.objects.filter(pk=job.pk).update(state=JobState.PARKED)
    enqueued()
    outcomes = race(*[partial(resume_job, job_id=job.pk, actor=CLERK, now=NOW)] * 2, held=JobRun.objects.all())
    assert sorted(map(str, outcomes)) == ["False", "True"]
    assert OperationEvent.objects.count() == len(enqueued()) == 1


def drop(job: JobRun) -> None:
    with operation():
        drop_jobs(name=job.name, subject_id=job.subject_id, now=NOW)


def test_dropped_jobs_are_nobodys_and_done_ones_stay_done() -> None:
    waiting, running, done = queue(0, 1, 2)
    [stranger] = queue(subject_id=2)
    held = claim(running)
    finish(claim(done))
    drop(waiting)
    assert list(JobRun.objects.order_by("pk").values_list("state", flat=True)) == [
        *(JobState.DROPPED, JobState.DROPPED, JobState.DONE, JobState.WAITING)
    ]
    before = everything()
    with pytest.raises(StaleRow), operation():
        finish_job(claim=held, done=1, now=NOW)
    assert claim_job(job_id=waiting.pk, now=NOW + 9 * LEASE) is None
    assert everything() == before
    assert claim(stranger).token == 1
    with pytest.raises(NoTransaction):
        drop_jobs(name=NAME, subject_id=1, now=NOW)


def test_no_statement_outlives_the_lease() -> None:
    with operation(), connection.cursor() as cursor:
        limit_statements_to_lease()
        cursor.execute("SELECT setting::int, current_setting('lock_timeout') FROM pg_settings WHERE name = %s", [LIMIT])
        limit, lock = cursor.fetchone()
    assert 0 < limit < LEASE.total_seconds() * 1000
    assert lock == "2s"
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {LIMIT}")
        assert cursor.fetchone() == ("30s",)
    with pytest.raises(NoTransaction):
        limit_statements_to_lease()
