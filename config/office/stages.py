"""Work in stages and parts: scoring runs, offer rounds, day closes.

A stage is done in parts, each a job that any worker may claim. Whoever finishes the last part queues the next stage,
under the lock of the row that the work is about: no chord, nothing to lose with the broker.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from celery import shared_task
from django.db.models import Count, Min, Model, Q, Sum

from config.db.locking import LockingQuerySet, lock_rows
from config.db.transactions import require_transaction
from config.office.actors import SYSTEM, Actor
from config.office.job_runs import Claim, Work, are_done, drop_jobs, finish_job, queue_jobs, run_job
from config.office.models import JobRun
from config.office.models.job_run import JobRunQuerySet, JobState
from config.office.words import Words

MOST_PARTS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: the name of its task, the work on one part of it, which ends with `finish_part`, and its words.

    counts: what the work counts as done. is_divided: done in as many parts as the subject has, else in one.
    """

    name: str
    work: Work
    words: Words
    counts: Words
    is_divided: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """The progress of a stage: parts, rows done, percent rounded down, rows a second and time left, where known."""

    stage: Stage
    parts: int
    done: int
    parked: int
    rows: int
    percent: int
    rate: float | None
    left: timedelta | None


class _Counts(NamedTuple):
    done: int = 0
    parked: int = 0
    rows: int = 0
    total: int = 0
    began: datetime | None = None


def _progress(stage: Stage, parts: int, found: _Counts | None, now: datetime) -> StageProgress:
    counts, rate, left = found or _Counts(), None, None
    # Of one part the rows tell, of several the parts: how many rows the later ones have is not known.
    done, whole = (counts.rows, counts.total) if parts == 1 and not counts.done else (counts.done, parts)
    if counts.began is not None and 0 < done < whole:
        passed = max((now - counts.began).total_seconds(), 0.001)
        rate, left = counts.rows / passed, timedelta(seconds=round(passed / done * (whole - done)))
    return StageProgress(
        stage=stage,
        parts=parts,
        done=counts.done,
        parked=counts.parked,
        rows=counts.rows,
        percent=min(done, whole) * 100 // max(whole, 1),
        rate=rate,
        left=left,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The stages of one kind of work, in order.

    subject: the model whose rows the work is about; its column `parts` is the number of parts of divided stages.
    rows_a_part: how many loans or merchants make one part.
    """

    subject: type[Model]
    rows_a_part: int
    stages: Sequence[Stage]

    @property
    def names(self) -> list[str]:
        return [stage.name for stage in self.stages]

    def parts_for(self, rows: int) -> int:
        return max(1, min(MOST_PARTS, -(-rows // self.rows_a_part)))

    def start(self, *, subject_id: int, actor: Actor, now: datetime) -> None:
        """Queue the first stage. Raises NoTransaction."""
        self._queue(self.stages[0], subject_id, actor=actor, now=now)

    def finish_part(self, *, claim: Claim, done: int, now: datetime) -> None:
        """Mark the claimed part done, and queue the next stage if it was the last.

        Under the lock of the subject: of two workers that finish at once, the second sees that the first is done.
        Raises NoTransaction, StaleRow if the claim is lost.
        """
        require_transaction()
        lock_rows(self.subject, [claim.subject_id])
        finish_job(claim=claim, done=done, now=now)
        place = self.names.index(claim.name) + 1
        if place < len(self.stages) and are_done(name=claim.name, subject_id=claim.subject_id):
            self._queue(self.stages[place], claim.subject_id, actor=SYSTEM, now=now)

    def drop(self, *, subject_id: int, now: datetime) -> None:
        """Close all jobs of a subject whose work is cancelled; the caller holds its lock. Raises NoTransaction."""
        for name in self.names:
            drop_jobs(name=name, subject_id=subject_id, now=now)

    def progress(self, *, subject_id: int, now: datetime) -> list[StageProgress]:
        """Return how far each stage of a subject is, from the rows of its jobs."""
        counted = {
            name: _Counts(*counts)
            for name, *counts in self._jobs(subject_id)
            .values_list("name")
            .annotate(
                finished=Count("pk", filter=Q(state=JobState.DONE)),
                parked=Count("pk", filter=Q(state=JobState.PARKED)),
                rows=Sum("done", default=0),
                total=Sum("total", default=0),
                began=Min("claimed_at"),
            )
            .order_by()
        }
        parts = self._parts(subject_id)
        shown = [_progress(one, parts if one.is_divided else 1, counted.get(one.name), now) for one in self.stages]
        begun = [one for one in shown if one.stage.name in counted]
        if not begun:
            return shown
        # The next stage is queued with the end of the last part: what has no jobs by then was added to the code later.
        ahead = [] if begun[-1].done == begun[-1].parts else shown[shown.index(begun[-1]) + 1 :]
        return [*begun, *ahead]

    def stopped(self, subjects: Iterable[int]) -> set[int]:
        """Return which of these subjects have a parked job: their work goes on once a person sends it again."""
        parked = JobRun.objects.filter(name__in=self.names, subject_id__in=subjects, state=JobState.PARKED)
        return set(parked.values_list("subject_id", flat=True))

    def failures(self, *, subject_id: int) -> list[tuple[JobRun, Words]]:
        """List a subject's jobs that are parked, or failed and wait for another attempt, with their stages' words."""
        failed = Q(state=JobState.PARKED) | (Q(state=JobState.WAITING) & ~Q(error=""))
        words = {stage.name: stage.words for stage in self.stages}
        jobs = self._jobs(subject_id).filter(failed).order_by("name", "part")
        return [(job, words[job.name]) for job in jobs]

    def _queue(self, stage: Stage, subject_id: int, *, actor: Actor, now: datetime) -> None:
        parts = self._parts(subject_id) if stage.is_divided else 1
        queue_jobs(name=stage.name, subject_id=subject_id, parts=range(parts), actor=actor, now=now)

    def _parts(self, subject_id: int) -> int:
        if not any(stage.is_divided for stage in self.stages):
            return 1
        found: int = LockingQuerySet(self.subject).values_list("parts", flat=True).get(pk=subject_id)
        return found

    def _jobs(self, subject_id: int) -> JobRunQuerySet:
        return JobRun.objects.filter(name__in=self.names, subject_id=subject_id)


def add_tasks(*pipelines: Pipeline) -> None:
    """Register the task of every stage: each app calls this in its `tasks`."""
    for pipeline in pipelines:
        for stage in pipeline.stages:
            shared_task(name=stage.name)(_task(stage))


def _task(stage: Stage) -> Callable[[int], None]:
    def work_on(job_id: int) -> None:
        run_job(job_id, stage.work)

    return work_on
