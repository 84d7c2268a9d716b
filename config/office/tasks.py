"""Celery tasks of the office."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from celery import current_app, shared_task
from django.conf import settings
from django.utils import timezone

from config.jobs import START_DUE_WORK
from config.kernel.calendar import business_day
from config.office.actors import SYSTEM
from config.office.business_date import BusinessDateNotMoved, open_day
from config.office.exports import EXPORTS, sweep_exports
from config.office.heartbeat import record_heartbeat
from config.office.job_runs import sweep_jobs
from config.office.seal_files import write_seals
from config.office.seals import seal_waiting
from config.office.stages import add_tasks

add_tasks(EXPORTS)


@shared_task(name="office.sweep_jobs")
def sweep() -> None:
    """Send again the jobs that the broker or a dead worker lost."""
    sweep_jobs(now=timezone.now(), older_than=timedelta(seconds=settings.JOB_LEASE.total_seconds() / 2))


@shared_task(name=START_DUE_WORK)
def start_due_work() -> None:
    """Call every app's check for due work; a lost or doubled message is harmless."""
    for name in settings.DECLARED.due:
        current_app.tasks[name].delay()


@shared_task(name="office.record_heartbeat")
def heartbeat() -> None:
    """Record that the scheduler is alive, and everything between it and the database."""
    record_heartbeat(now=timezone.now())


@shared_task(name="office.seal_audit")
def seal_audit() -> None:
    """Seal what the audit trail has gained, and write the seals outside the database too."""
    seal_waiting()
    if settings.AUDIT_SEALS_FILE is not None:
        write_seals(settings.AUDIT_SEALS_FILE)


@shared_task(name="office.sweep_exports")
def forget_exports() -> None:
    """Remove the files of exports that have expired, and what killed workers left."""
    sweep_exports(now=timezone.now())


@shared_task(name="office.roll_business_date")
def roll_business_date() -> None:
    """Open today, if the office runs on the wall clock; on a manual clock only people open days."""
    if settings.BUSINESS_CLOCK == "wall":
        now = timezone.now()
        try:
            open_day(on=business_day(now, ZoneInfo(settings.BUSINESS_TIME_ZONE)), actor=SYSTEM, now=now)
        except BusinessDateNotMoved:
            return  # it was rolled before: beat may fire twice
