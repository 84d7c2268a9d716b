"""Do the stages of runs, and start the one that is due."""

from celery import shared_task
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.job_runs import run_job
from scoring.domain.run import CONCLUDE, FREEZE, GATHER, SCORE
from scoring.operations.runs import (
    RunNotStarted,
    conclude_run,
    freeze_references,
    gather_references,
    score_shard,
    start_run,
)
from scoring.queries.runs import is_run_due


@shared_task(name=GATHER)
def gather(job_id: int) -> None:
    """Pin one shard's merchants and what they add to the references."""
    run_job(job_id, gather_references)


@shared_task(name=FREEZE)
def freeze(job_id: int) -> None:
    """Freeze a run's references."""
    run_job(job_id, freeze_references)


@shared_task(name=SCORE)
def score(job_id: int) -> None:
    """Score one shard."""
    run_job(job_id, score_shard)


@shared_task(name=CONCLUDE)
def conclude(job_id: int) -> None:
    """Check a run and publish it."""
    run_job(job_id, conclude_run)


@shared_task(name="scoring.start_due_run")
def start_due_run() -> None:
    """Score the business date, unless the office goes by a manual clock or it is scored already."""
    if is_run_due():
        try:
            start_run(actor=SYSTEM, now=timezone.now())
        except RunNotStarted:
            return  # another fire of the beat was faster, or there is nobody to score
