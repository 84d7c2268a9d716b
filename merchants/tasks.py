"""Celery tasks: jobs queued by operations, and scheduled cleaning."""

from celery import shared_task
from django.utils import timezone

from config.office.job_runs import run_job
from config.office.stages import add_tasks
from merchants.operations.feeds import judge_feeds
from merchants.operations.idempotency import forget_requests
from merchants.operations.ingestion import FILL, fill_batch, seal_forgotten_batches
from merchants.operations.uploads import UPLOADS, forget_stray_uploads

add_tasks(UPLOADS)


@shared_task(name=FILL)
def fill(job_id: int) -> None:
    """Store the rows of a staged batch."""
    run_job(job_id, fill_batch)


@shared_task(name="merchants.seal_forgotten_batches")
def seal_forgotten() -> None:
    """Seal the batches whose receiver died before staging their rows."""
    seal_forgotten_batches(now=timezone.now())


@shared_task(name="merchants.forget_stray_uploads")
def forget_strays() -> None:
    """Remove uploaded files for which no upload waits."""
    forget_stray_uploads(now=timezone.now())


@shared_task(name="merchants.judge_feeds")
def judge() -> None:
    """Find the feeds that are red: what rests on them waits."""
    judge_feeds(now=timezone.now())


@shared_task(name="merchants.forget_requests")
def forget() -> None:
    """Delete the requests that nobody repeats any more."""
    forget_requests(now=timezone.now())
