"""Office pages of staff, roles, jobs and the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from config.office import approval_pages, staff_pages  # noqa: F401 - they register their pages
from config.office.actors import Actor, ActorKind
from config.office.display import Card, Cell, Facts, Page, Text, chip
from config.office.job_runs import resume_job
from config.office.lists import Filter, ListColumn, Search, choice_filter, date_filter
from config.office.models import JobRun, OperationEvent
from config.office.models.job_run import JobState
from config.office.pages import OfficeAdmin, name_of, named, subject_url
from config.office.verbs import Asked, Verb

JOB_STATES: Final = {
    JobState.WAITING: (_("Waiting"), "tl-info"),
    JobState.RUNNING: (_("Running"), "tl-info"),
    JobState.DONE: (_("Done"), "tl-ok"),
    JobState.PARKED: (_("Parked after its last attempt failed"), "tl-bad"),
    JobState.DROPPED: (_("Dropped: the work was abandoned"), ""),
}
NOT_PARKED: Final = _("Only a parked job is sent again; this one is not parked.")


def job_words(name: str) -> str:
    """Format a job's dotted name as words."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def _job_names() -> list[tuple[str, str]]:
    """List the tasks of workers; not from the rows, of which there may be millions."""
    apps = {label.rpartition(".")[2] for label in settings.APPS}
    return [(name, job_words(name)) for name in sorted(current_app.tasks) if name.partition(".")[0] in apps]


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
        ListColumn(label=_("Job"), cell=lambda job: job_words(job.name)),
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
            title=job_words(row.name),
            chips=[chip(*JOB_STATES[JobState(row.state)])],
            sub=[_("of %(number)s") % {"number": row.subject_id}, _("part %(number)s") % {"number": row.part}],
            cards=cards,
        )


def _by_person(rows: QuerySet[OperationEvent], login: str) -> QuerySet[OperationEvent]:
    staff = User.objects.filter(username__iexact=login).values_list("pk", flat=True)
    return rows.filter(actor__in=[login, *(str(Actor(ActorKind.STAFF, pk)) for pk in staff)])


def _about(rows: QuerySet[OperationEvent], term: str) -> QuerySet[OperationEvent]:
    model, _sep, number = term.partition("_")
    if number.isdecimal() and "." not in term:
        return rows.filter(subject__endswith=f".{model.lower()}:{number}")
    return rows.filter(Q(subject__istartswith=term) if ":" in term else Q(name__istartswith=term))


def _when(event: OperationEvent) -> datetime:
    """Return when an event was recorded, by the database's clock if that was kept."""
    return event.recorded_at or event.booked_at


def _changes(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value not in (None, ""))


@admin.register(OperationEvent)
class OperationEventAdmin(OfficeAdmin[OperationEvent]):
    """The audit trail."""

    title = _("Audit trail")
    columns = (
        ListColumn(label=_("When, UTC"), cell=lambda row: f"{_when(row[0]):%Y-%m-%d %H:%M:%S}", style="tl-nowrap"),
        ListColumn(label=_("What"), cell=lambda row: Cell(text=job_words(row[0].name), note=row[0].name)),
        ListColumn(label=_("About"), cell=lambda row: Cell(text=row[0].subject, link=subject_url(row[0].subject))),
        ListColumn(label=_("Who"), cell=lambda row: row[1]),
        ListColumn(label=_("Before"), cell=lambda row: _changes(row[0].before)[:120]),
        ListColumn(label=_("After"), cell=lambda row: _changes(row[0].after)[:120]),
    )
    search = Search(
        help=_("Subject, like lending.loan:33 or loan_33, or an operation, like lending.return_payout"), keep=_about
    )
    filters = (
        Filter(name="who", label=_("who (log-in, or like partner:1)"), keep=_by_person),
        date_filter("since", _("since"), "booked_at__date__gte"),
        date_filter("until", _("until"), "booked_at__date__lte"),
    )

    def prepare(self, rows: list[OperationEvent]) -> Sequence[Any]:
        names = named(event.actor for event in rows)
        return [(event, names[event.actor]) for event in rows]

    def page_of(self, row: OperationEvent, request: HttpRequest) -> Page:
        names = sorted({*row.before, *row.after})
        facts = Facts([(name.replace("_", " "), _change(row, name)) for name in names])
        return Page(
            title=job_words(row.name),
            sub=[Cell(text=row.subject, link=subject_url(row.subject)), name_of(row.actor), _when(row)],
            cards=[Card(title=_("Before → after"), parts=[facts if names else Text(_("Nothing but the fact."))])],
        )


def _change(event: OperationEvent, name: str) -> str:
    before, after = event.before.get(name), event.after.get(name)
    return f"{'–' if before in (None, '') else before} → {'–' if after in (None, '') else after}"  # noqa: RUF001


for model in (AccessToken, Application, Grant, IDToken, RefreshToken):
    # OAuth's own pages would show tokens and hashes of secrets: partners' clients are created by a command.
    if admin.site.is_registered(model):
        admin.site.unregister(model)
