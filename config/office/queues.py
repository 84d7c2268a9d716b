"""What of the office itself waits for people."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.approval_pages import requests_for
from config.office.business_date import current_day
from config.office.desk import Queue, Waiting, listed_at, rows_waiting
from config.office.lists import COUNTED
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.own_work import mentions_url, own_mentions, own_tasks, tasks_url
from config.office.seals import count_waiting, get_sealing
from config.office.verbs import Asked


def _approvals(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        requests_for(asked.user, asked.now),
        said=lambda n: ngettext("request waits for your approval", "requests wait for your approval", n),
        link=listed_at("office_approvalrequest", waits_for=str(asked.actor)),
        button=_("Decide"),
        tag="approvals",
        since="requested_at",
    )


def _tasks(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    tasks = own_tasks(asked.user)
    overdue = tasks.overdue(current_day(asked.now)).count()
    said = ngettext("%(n)s of them is overdue.", "%(n)s of them are overdue.", overdue) % {"n": f"{overdue:,}"}
    yield from rows_waiting(
        tasks,
        said=lambda n: ngettext("open task", "open tasks", n),
        note=said if overdue else "",
        link=tasks_url(str(asked.actor)),
        button=_("Open"),
        tag="tasks",
        since="due_on" if overdue else "",
    )


def _mentions(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        own_mentions(asked.user),
        said=lambda n: ngettext("note mentions you", "notes mention you", n),
        link=mentions_url(str(asked.actor)),
        button=_("Read"),
        tag="mentions",
        since="written_at",
    )


def _parked(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        JobRun.objects.filter(state=JobState.PARKED),
        said=lambda n: ngettext("job is parked", "jobs are parked", n),
        note=_("The last attempt failed: look why, and send it again."),
        link=listed_at("office_jobrun", state=JobState.PARKED),
        button=_("Open"),
        tag="parked",
        since="claimed_at",
        is_urgent=True,
    )


def _unsealed(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    sealing, link = get_sealing(), listed_at("office_auditseal")
    if sealing.waiting_since is not None and sealing.is_overdue(asked.now):
        number = count_waiting(sealing.last_event, most=COUNTED + 1)
        yield Waiting(
            number=number,
            what=ngettext("event is not sealed", "events are not sealed", number),
            note=_("Scheduler or workers are gone, or a transaction does not end."),
            link=link,
            button=_("Open"),
            tag="unsealed",
            since=sealing.waiting_since,
            is_urgent=True,
        )
    if settings.AUDIT_SEALS_FILE is not None and sealing.is_unwritten(asked.now):
        yield Waiting(
            number=1,
            what=_("external seal file is out of date"),
            note=_("The workers' log says why: without it, nobody sees that the end of the audit trail was cut."),
            link=link,
            button=_("Open"),
            tag="unwritten",
            is_urgent=True,
        )


QUEUES: Final = (
    Queue(rights=frozenset({"office.decide_approvalrequest"}), read=_approvals),
    Queue(rights=frozenset({"office.view_task"}), read=_tasks),
    Queue(rights=frozenset({"office.view_note"}), read=_mentions),
    Queue(rights=frozenset({"office.resume_jobrun"}), read=_parked),
    Queue(rights=frozenset({"office.view_auditseal"}), read=_unsealed),
)
