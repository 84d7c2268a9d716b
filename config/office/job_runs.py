"""Queue, claim, finish, fail and sweep the jobs of the workers.

A job's task takes the id of its row and calls `run_job`; its work is a function of the claim.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.db.transactions import StaleRow, operation, require_one, require_transaction
from config.jobs import enqueue
from config.office.actors import Actor
from config.office.events import record_event
from config.office.models import JobRun
from config.office.models.job_run import JobState

log = structlog.get_logger(__name__)
MAX_ERROR = 2_000
SWEPT_AT_ONCE = 500

CLAIMABLE: Final = "(state = 'WAITING' OR state = 'RUNNING' AND lease_until < %(now)s)"
HELD: Final = "id = %(job)s AND token = %(token)s AND state = 'RUNNING'"
# Written once, for every part of all work is claimed, reported and finished: see config/db/rows.py.
CLAIM: Final = f"""
UPDATE office_jobrun SET state = 'RUNNING', token = token + 1, attempts = attempts + 1, done = 0,
    claimed_at = %(now)s, lease_until = %(until)s
WHERE id = (
    SELECT id FROM office_jobrun WHERE id = %(job)s AND attempts < %(most)s AND {CLAIMABLE}
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING name, subject_id, part, token
"""  # noqa: S608 - constants only, here and below
HOLD: Final = f"UPDATE office_jobrun SET done = %(done)s, total = %(total)s, lease_until = %(until)s WHERE {HELD}"  # noqa: S608
FINISH: Final = f"""
UPDATE office_jobrun SET state = 'DONE', done = %(done)s, total = %(done)s, error = '', lease_until = NULL,
    finished_at = %(now)s
WHERE {HELD}
"""  # noqa: S608
FAIL: Final = f"""
UPDATE office_jobrun SET state = CASE WHEN attempts < %(most)s THEN 'WAITING' ELSE 'PARKED' END, error = %(error)s,
    lease_until = NULL, sent_at = %(now)s
WHERE {HELD}
"""  # noqa: S608
PUT_BACK: Final = f"""
UPDATE office_jobrun SET state = 'WAITING', attempts = attempts - 1, lease_until = NULL, sent_at = %(now)s WHERE {HELD}
"""  # noqa: S608
PARK: Final = f"""
UPDATE office_jobrun SET state = 'PARKED', lease_until = NULL, error = 'The worker died at the last attempt.'
WHERE {CLAIMABLE} AND attempts >= %(most)s
"""  # noqa: S608
SEND_AGAIN: Final = f"""
WITH due AS (
    SELECT id FROM office_jobrun WHERE {CLAIMABLE} AND sent_at < %(before)s
    ORDER BY id LIMIT {SWEPT_AT_ONCE} FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE office_jobrun j SET sent_at = %(now)s FROM due WHERE j.id = due.id
RETURNING j.id, j.name
"""  # noqa: S608
LEFT: Final = "SELECT EXISTS (SELECT FROM office_jobrun WHERE name = %s AND subject_id = %s AND state <> 'DONE')"

Clock = Callable[[], datetime]
"""Returns the time: a job lasts, and what it writes at its end must not carry the time of its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One worker's right to do one job, until someone else claims it."""

    job_id: int
    name: str
    subject_id: int
    part: int
    token: int


class NotYet(Exception):
    """The work has to wait for other work: it is tried again later, and this was no attempt."""


class Work(Protocol):
    """What a job does: an operation that ends with `finish_job`."""

    def __call__(self, *, claim: Claim, clock: Clock) -> object:
        """Do the claimed work. Raises StaleRow if another worker claimed it meanwhile, NotYet."""


def queue_jobs(*, name: str, subject_id: int, parts: Iterable[int], actor: Actor, now: datetime) -> None:
    """Add one job per part to the caller's transaction and send them after its commit. Raises NoTransaction."""
    require_transaction()
    jobs = [JobRun(name=name, subject_id=subject_id, part=part, started_by=str(actor), sent_at=now) for part in parts]
    for job in JobRun.objects.bulk_create(jobs):
        enqueue(name, job_id=job.pk)


def run_job(job_id: int, work: Work) -> None:
    """Claim the job, do the work, and record an error; if sent twice, or finished before, do nothing."""
    claim = claim_job(job_id=job_id, now=timezone.now())
    if claim is None:
        return
    try:
        work(claim=claim, clock=timezone.now)
    except NotYet:
        put_back_job(claim=claim, now=timezone.now())
    except StaleRow:
        log.warning("job_fenced", job_id=job_id, token=claim.token)  # another worker holds it now
    except Exception as error:
        log.exception("job_failed", job_id=job_id)
        fail_job(claim=claim, error=f"{type(error).__name__}: {error}", now=timezone.now())


def claim_job(*, job_id: int, now: datetime) -> Claim | None:
    """Claim the job under a lease; None if it is done, parked, or held by another worker."""
    until, most = now + settings.JOB_LEASE, settings.JOB_MAX_ATTEMPTS
    with operation(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"job": job_id, "most": most, "now": now, "until": until})
        row = cursor.fetchone()
    if row is None:
        return None
    name, subject_id, part, token = row
    return Claim(job_id=job_id, name=name, subject_id=subject_id, part=part, token=token)


def limit_statements_to_lease() -> None:
    """Limit the transaction's statements to the lease: beyond it, their worker would be taken for dead.

    Raises NoTransaction.
    """
    require_transaction()
    limit = int(settings.JOB_LEASE.total_seconds() * 900)  # nine tenths, in milliseconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit)])


def report_progress(*, claim: Claim, done: int, total: int, now: datetime) -> None:
    """Record how far the job is, and renew its lease from `now`. Raises StaleRow if the claim is lost."""
    with operation():
        hold_claim(claim=claim, done=done, total=total, now=now)


def hold_claim(*, claim: Claim, done: int, total: int, now: datetime) -> None:
    """Report progress in the transaction of a piece of the work: it counts only while the claim is held.

    Raises NoTransaction, StaleRow if the claim is lost.
    """
    require_transaction()
    require_one(_update(HOLD, claim, done=done, total=total, until=now + settings.JOB_LEASE))


def finish_job(*, claim: Claim, done: int, now: datetime) -> None:
    """Mark the job done in the transaction that holds its results. Raises NoTransaction, StaleRow if fenced off."""
    require_transaction()
    require_one(_update(FINISH, claim, done=done, now=now))


def fail_job(*, claim: Claim, error: str, now: datetime) -> None:
    """Record the error; the sweep sends the job again, or it is parked after its last attempt."""
    with operation():
        _update(FAIL, claim, most=settings.JOB_MAX_ATTEMPTS, error=error[:MAX_ERROR], now=now)


def put_back_job(*, claim: Claim, now: datetime) -> None:
    """Leave the job to the next sweep, as if it had not been claimed."""
    with operation():
        _update(PUT_BACK, claim, now=now)


def _update(statement: str, claim: Claim, **values: int | str | datetime) -> int:
    """Change the job if its claim is held; return how many rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"job": claim.job_id, "token": claim.token, **values})
        changed: int = cursor.rowcount
    return changed


def sweep_jobs(*, now: datetime, older_than: timedelta) -> int:
    """Resend jobs that wait or lost their worker, park those that died at the last attempt; return how many were sent.

    This makes the broker expendable: flushed or restarted, it is told everything again from here.
    """
    with operation():
        with connection.cursor() as cursor:
            cursor.execute(PARK, {"now": now, "most": settings.JOB_MAX_ATTEMPTS})
            cursor.execute(SEND_AGAIN, {"now": now, "before": now - older_than})
            jobs = sorted(cursor.fetchall())
        for job_id, name in jobs:
            enqueue(name, job_id=job_id)
        return len(jobs)


def are_done(*, name: str, subject_id: int) -> bool:
    """Check whether a subject's jobs of this name are all done."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT, [name, subject_id])
        [left] = cursor.fetchone() or [True]
    return not left


def drop_jobs(*, name: str, subject_id: int, now: datetime) -> None:
    """Close the jobs of abandoned work, so that nobody claims them any more. Raises NoTransaction."""
    require_transaction()
    open_jobs = JobRun.objects.of(name, subject_id).exclude(state=JobState.DONE)
    open_jobs.update(state=JobState.DROPPED, lease_until=None, finished_at=now)


def resume_job(*, job_id: int, actor: Actor, now: datetime) -> bool:
    """Reset a parked job's attempts and send it; False if it is not parked."""
    with operation():
        job = JobRun.objects.filter(pk=job_id).lock().get()
        parked = JobRun.objects.filter(pk=job_id, state=JobState.PARKED)
        if not parked.update(state=JobState.WAITING, attempts=0, sent_at=now):
            return False
        record_event(
            name="office.resume_job",
            subject=job,
            actor=actor,
            before={"state": job.state, "attempts": job.attempts},
            after={"state": JobState.WAITING},
            now=now,
        )
        enqueue(job.name, job_id=job.pk)
        return True
