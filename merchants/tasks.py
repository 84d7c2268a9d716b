"""Do after commit what an operation asked for."""

from celery import shared_task
from django.utils import timezone

from config.office.job_runs import run_job
from merchants.operations.idempotency import forget_requests
from merchants.operations.ingestion import FILL, fill_batch, seal_forgotten_batches


@shared_task(name=FILL)
def fill(job_id: int) -> None:
    """Store the rows of a staged batch."""
    run_job(job_id, fill_batch)


@shared_task(name="merchants.seal_forgotten_batches")
def seal_forgotten() -> None:
    """Seal the batches whose receiver died before it staged their rows."""
    seal_forgotten_batches(now=timezone.now())


@shared_task(name="merchants.forget_requests")
def forget() -> None:
    """Forget the requests that nobody sends again any more."""
    forget_requests(now=timezone.now())
