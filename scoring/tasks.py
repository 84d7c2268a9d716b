"""Celery tasks: the stages of runs, and the start of the one that is due."""

from celery import shared_task
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.stages import add_tasks
from scoring.operations.runs import RUN, RunNotStarted, start_run
from scoring.queries.runs import is_run_due

add_tasks(RUN)


@shared_task(name="scoring.start_due_run")
def start_due_run() -> None:
    """Score the business date, unless the office runs on a manual clock or it is already scored."""
    now = timezone.now()
    if is_run_due(now=now):
        try:
            start_run(actor=SYSTEM, now=now)
        except RunNotStarted:
            return  # another fire of the beat was faster, or there is nobody to score
