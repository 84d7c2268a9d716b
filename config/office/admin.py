"""Office pages of jobs; those of approvals, staff, the audit trail, notes, tasks and documents come with them."""

from typing import Final

from celery import current_app
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from config.office import (  # noqa: F401 - they register their pages
    approval_pages,
    audit_pages,
    document_pages,
    export_pages,
    note_pages,
    saved_view_pages,
    staff_pages,
    task_pages,
)
from config.office.display import Card, Facts, Page, Text, chip
from config.office.job_runs import resume_job
from config.office.lists import Filter, ListColumn, choice_filter
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.pages import OfficeAdmin, name_of
from config.office.verbs import Asked, Verb
from config.office.words import in_words

JOB_STATES: Final = {
    JobState.WAITING: (_("Waiting"), "tl-info"),
    JobState.RUNNING: (_("Running"), "tl-info"),
    JobState.DONE: (_("Done"), "tl-ok"),
    JobState.PARKED: (_("Parked after its last attempt failed"), "tl-bad"),
    JobState.DROPPED: (_("Dropped: the work was abandoned"), ""),
}
NOT_PARKED: Final = _("Only a parked job is sent again; this one is not parked.")


def _job_names() -> list[tuple[str, str]]:
    """List the tasks of workers; not from the rows, of which there may be millions."""
    apps = {label.rpartition(".")[2] for label in settings.APPS}
    return [(name, in_words(name)) for name in sorted(current_app.tasks) if name.partition(".")[0] in apps]


def _done(job: JobRun) -> str:
    return f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"


class JobNotResumed(Exception):
    """The job is not parked."""


def _resume(job: JobRun, asked: Asked) -> JobRun:
    if not resume_job(job_id=job.pk, actor=asked.actor, now=asked.now):
        raise JobNotResumed
    return job


@admin.register(JobRun)
class JobRunAdmin(OfficeAdmin[JobRun]):
    """The workers' jobs; parked ones can be sent again."""

    columns = (
        ListColumn(label=_("Job"), cell=lambda job: in_words(job.name)),
        ListColumn(label=_("Of"), cell=lambda job: str(job.subject_id), number=True),
        ListColumn(label=_("Part"), cell=lambda job: job.part, number=True),
        ListColumn(label=_("State"), cell=lambda job: chip(*JOB_STATES[JobState(job.state)])),
        ListColumn(label=_("Done"), cell=_done, number=True),
        ListColumn(label=_("Attempts"), cell=lambda job: job.attempts, number=True),
        ListColumn(label=_("Claimed"), cell=lambda job: job.claimed_at, style="tl-nowrap"),
        ListColumn(label=_("Finished"), cell=lambda job: job.finished_at, style="tl-nowrap"),
    )
    filters = (
        choice_filter("state", _("state"), JOB_STATES),
        Filter(
            name="job",
            label=_("job"),
            choices=_job_names,
            keep=lambda rows, name: rows.filter(name=name),
        ),
    )
    verbs = (
        Verb(
            name="resume",
            label=_("Send again"),
            right="office.resume_jobrun",
            note=_("The job gets all its attempts again and is sent to the workers at once."),
            about=lambda job, _asked: [Facts([(_("Attempts"), job.attempts), (_("Last error"), job.error or None)])],
            done=_("The job was sent again, with all its attempts."),
            call=_resume,
            refusals={JobNotResumed: NOT_PARKED},
            why_not=lambda job, _asked: None if job.state == JobState.PARKED else NOT_PARKED,
            is_primary=True,
        ),
    )

    def page_of(self, row: JobRun, request: HttpRequest) -> Page:
        facts = Facts(
            [
                (_("Attempts"), row.attempts),
                (_("Done"), _done(row)),
                (_("Started by"), name_of(row.started_by)),
                (_("Sent"), row.sent_at),
                (_("Claimed"), row.claimed_at),
                (_("Lease runs until"), row.lease_until),
                (_("Finished"), row.finished_at),
            ]
        )
        cards = [Card(title=_("Progress"), parts=[facts], span=6)]
        if row.error:
            cards.append(Card(title=_("Last error"), parts=[Text(row.error, "tl-mono")], span=6))
        return Page(
            title=in_words(row.name),
            chips=[chip(*JOB_STATES[JobState(row.state)])],
            sub=[_("of %(number)s") % {"number": row.subject_id}, _("part %(number)s") % {"number": row.part}],
            cards=cards,
        )


for model in (AccessToken, Application, Grant, IDToken, RefreshToken):
    # OAuth's own pages would show tokens and hashes of secrets: partners' clients are created by a command.
    if admin.site.is_registered(model):
        admin.site.unregister(model)
