"""What of the office itself waits for people."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.approval_pages import requests_for
from config.office.desk import Queue, Waiting, listed_at
from config.office.lists import COUNTED
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.own_work import own_mentions, own_tasks
from config.office.seals import count_waiting, get_sealing
from config.office.verbs import Asked


def _approvals(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = requests_for(asked.user, asked.now).aggregate(number=Count("pk"), since=Min("requested_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("request waits for your approval", "requests wait for your approval", number),
            link=listed_at("office_approvalrequest", waits_for=asked.user.username),
            button=_("Decide"),
            tag="approvals",
            since=found["since"],
        )


def _tasks(asked: Asked, on: date | None) -> Iterator[Waiting]:
    today = on or asked.now.date()
    tasks = own_tasks(asked.user, on=today)
    if number := tasks.number:
        overdue = ngettext("%(n)s of them is overdue.", "%(n)s of them are overdue.", tasks.overdue)
        yield Waiting(
            number=number,
            what=ngettext("task is yours", "tasks are yours", number),
            note=overdue % {"n": f"{tasks.overdue:,}"} if tasks.overdue else "",
            link=tasks.url,
            button=_("Look"),
            tag="tasks",
            since=tasks.earliest if tasks.overdue else None,
        )


def _mentions(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    mentions = own_mentions(asked.user)
    if number := mentions.number:
        yield Waiting(
            number=number,
            what=ngettext("note mentions you", "notes mention you", number),
            link=mentions.url,
            button=_("Read"),
            tag="mentions",
            since=mentions.since,
        )


def _parked(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = JobRun.objects.filter(state=JobState.PARKED).aggregate(number=Count("pk"), since=Min("claimed_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("job is parked", "jobs are parked", number),
            note=_("The last attempt failed: look why, and send it again."),
            link=listed_at("office_jobrun", state=JobState.PARKED),
            button=_("Look"),
            tag="parked",
            since=found["since"],
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
            button=_("Look"),
            tag="unsealed",
            since=sealing.waiting_since,
            is_urgent=True,
        )
    if settings.AUDIT_SEALS_FILE is not None and sealing.is_unwritten(asked.now):
        yield Waiting(
            number=1,
            what=_("file of seals is not written outside the database"),
            note=_("The workers' log says why: without it, nobody sees that the end of the audit trail was cut."),
            link=link,
            button=_("Look"),
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
