"""Stages follow each other once their parts are done. The subject is a day close, as one row is enough of it."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from config.db.transactions import NoTransaction, StaleRow, operation
from config.office.actors import SYSTEM
from config.office.job_runs import Claim, Clock, claim_job
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.stages import Pipeline, Stage
from lending.models import DayClose
from tests.conftest import CLERK, NOW, Enqueued
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
MANY, ONE = "merchants.fill_batch", "lending.prove_books"  # any two jobs: they are queued, not done


def work(*, claim: Claim, clock: Clock) -> None:
    pytest.fail(f"queued, not done: {claim}, {clock}")


PIPELINE = Pipeline(
    subject=DayClose,
    rows_a_part=100,
    stages=(
        Stage(name=MANY, work=work, words="Many", counts="loans"),
        Stage(name=ONE, work=work, words="One", counts="accounts", is_divided=False),
    ),
)


def start(parts: int) -> DayClose:
    close = DayClose.objects.create(day=date(2026, 3, 1), parts=parts, started_by=str(SYSTEM), started_at=NOW)
    with operation():
        PIPELINE.start(subject_id=close.pk, actor=CLERK, now=NOW)
    return close


def claim_all(close: DayClose, name: str) -> list[Claim]:
    jobs = JobRun.objects.of(name, close.pk).order_by("part")
    claims = [claim_job(job_id=job.pk, now=NOW) for job in jobs]
    return [claim for claim in claims if claim is not None]


def finish(claim: Claim, done: int = 5) -> None:
    with operation():
        PIPELINE.finish_part(claim=claim, done=done, now=NOW)


def test_the_last_part_of_a_stage_queues_the_next(enqueued: Enqueued) -> None:
    """Red if a stage began before all parts of the one before it are done."""
    close = start(3)
    assert [name for name, _ in enqueued()] == [MANY] * 3
    first, *others = claim_all(close, MANY)
    for claim in others:
        finish(claim)
    assert enqueued() == []
    finish(first)
    assert [name for name, _ in enqueued()] == [ONE]
    [last] = claim_all(close, ONE)
    finish(last)
    assert enqueued() == []
    assert set(JobRun.objects.values_list("name", "part", "started_by")) == {
        *((MANY, part, str(CLERK)) for part in range(3)),
        (ONE, 0, str(SYSTEM)),
    }


def test_two_that_finish_at_once_queue_the_next_stage_once() -> None:
    """Red without the lock of the subject: each would see the other's part undone, and nobody would go on."""
    close = start(2)
    race(*(partial(finish, claim) for claim in claim_all(close, MANY)), held=DayClose.objects.all())
    assert JobRun.objects.of(ONE, close.pk).count() == 1


def test_a_worker_that_lost_its_claim_finishes_nothing(enqueued: Enqueued) -> None:
    """Red without the token: a worker that slept past its lease would end the stage under the one that works."""
    close = start(1)
    [asleep] = claim_all(close, MANY)
    awake = claim_job(job_id=asleep.job_id, now=NOW + timedelta(hours=1))
    assert awake is not None
    enqueued()
    with pytest.raises(StaleRow):
        finish(asleep)
    assert (JobRun.objects.get().state, enqueued()) == (JobState.RUNNING, [])
    finish(awake)
    assert [name for name, _ in enqueued()] == [ONE]


def test_what_is_dropped_is_neither_finished_nor_followed() -> None:
    close = start(2)
    first, second = claim_all(close, MANY)
    finish(first)
    with operation():
        PIPELINE.drop(subject_id=close.pk, now=NOW)
    with pytest.raises(StaleRow):
        finish(second)
    assert set(JobRun.objects.values_list("part", "state")) == {(0, JobState.DONE), (1, JobState.DROPPED)}


def test_a_part_is_finished_in_the_transaction_of_its_work() -> None:
    close = start(1)
    [claim] = claim_all(close, MANY)
    with pytest.raises(NoTransaction):
        PIPELINE.finish_part(claim=claim, done=1, now=NOW)


@pytest.mark.parametrize(("rows", "parts"), [(0, 1), (1, 1), (100, 1), (101, 2), (3_200, 32), (1_000_000, 32)])
def test_there_are_as_many_parts_as_the_rows_are_worth(rows: int, parts: int) -> None:
    assert PIPELINE.parts_for(rows) == parts


def test_progress_leaves_out_a_stage_that_came_after_the_work_was_done() -> None:
    """Red if every stage of today's code is listed: a close proven last year would stand at 0 % of a new one."""
    close = start(2)
    for claim in claim_all(close, MANY):
        finish(claim, done=1)
    added = Stage(name="tests.new", work=work, words="New", counts="loans")
    longer = replace(PIPELINE, stages=(*PIPELINE.stages, added))
    assert [one.stage.name for one in longer.progress(subject_id=close.pk, now=NOW)] == [MANY, ONE, "tests.new"]
    for claim in claim_all(close, ONE):
        finish(claim)
    assert [one.stage.name for one in longer.progress(subject_id=close.pk, now=NOW)] == [MANY, ONE]


def test_progress_counts_parts_and_rows_and_estimates_the_rest() -> None:
    close = start(4)
    first, second, *_ = claim_all(close, MANY)
    finish(first, done=30)
    finish(second, done=50)
    JobRun.objects.filter(part=2).update(state=JobState.PARKED, lease_until=None, error="boom")
    JobRun.objects.filter(part=3).update(state=JobState.WAITING, lease_until=None, error="")
    many, one = PIPELINE.progress(subject_id=close.pk, now=NOW + timedelta(seconds=40))
    assert (many.parts, many.done, many.parked, many.rows, many.percent) == (4, 2, 1, 80, 50)
    assert (many.rate, many.left) == (2.0, timedelta(seconds=40))
    assert (one.parts, one.done, one.rows, one.rate, one.left) == (1, 0, 0, None, None)
    assert [(job.part, words) for job, words in PIPELINE.failures(subject_id=close.pk)] == [(2, "Many")]
