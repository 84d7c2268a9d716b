"""What waits for one member of staff: their open tasks, and the notes that mention them."""

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.http import urlencode

from config.office.actors import actor_of
from config.office.models import Mention, Note, Task
from config.office.models.task import TaskState
from config.office.noted import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTasks:
    """The open tasks of somebody, and their list. overdue: due before the business date."""

    number: int
    overdue: int
    earliest: date | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMentions:
    """The notes that mention somebody who has not seen them yet, and their list. since: when the oldest was written."""

    number: int
    since: datetime | None
    url: str


def own_tasks(user: User, *, on: date) -> OwnTasks:
    """Return what is assigned to somebody as of a business date, in one query: as much as the list shows them."""
    actor = str(actor_of(user))
    found = visible(Task.objects.open().filter(assignee=actor), user).aggregate(
        number=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=on)), earliest=Min("due_on")
    )
    return OwnTasks(**found, url=tasks_url(actor))


def own_mentions(user: User) -> OwnMentions:
    """Return which mentions somebody has not seen yet, in one query: as many as the list shows them."""
    actor = str(actor_of(user))
    notes = visible(Note.objects.filter(pk__in=Mention.objects.unseen_by(actor).values("note")), user)
    found = notes.aggregate(number=Count("pk"), since=Min("written_at"))
    return OwnMentions(**found, url=mentions_url(actor))


def tasks_url(actor: str) -> str:
    """Return the address of somebody's open tasks."""
    narrowed = {"assignee": actor, "state": TaskState.OPEN}
    return f"{reverse('admin:office_task_changelist')}?{urlencode(narrowed)}"


def mentions_url(actor: str) -> str:
    """Return the address of the notes that mention somebody who has not seen them."""
    return f"{reverse('admin:office_note_changelist')}?{urlencode({'unseen': actor})}"
