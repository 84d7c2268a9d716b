"""What waits for one member of staff: as many open tasks and unseen mentions as their lists show."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from config.office.actors import actor_of
from config.office.desk import listed_at
from config.office.models import Mention, Note, Task
from config.office.models.task import TaskQuerySet, TaskState
from config.office.noted import visible


def own_tasks(user: User) -> TaskQuerySet:
    """Return the open tasks that are assigned to somebody."""
    return visible(Task.objects.open().filter(assignee=str(actor_of(user))), user)


def own_mentions(user: User) -> QuerySet[Note]:
    """Return the notes that mention somebody who has not marked them as seen."""
    return visible(Note.objects.filter(pk__in=Mention.objects.unseen_by(str(actor_of(user))).values("note")), user)


def tasks_url(actor: str) -> str:
    """Return the address of somebody's open tasks."""
    return listed_at("office_task", assignee=actor, state=TaskState.OPEN)


def mentions_url(actor: str) -> str:
    """Return the address of the notes that mention somebody who has not seen them."""
    return listed_at("office_note", unseen=actor)
