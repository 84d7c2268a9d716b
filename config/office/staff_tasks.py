"""What staff set themselves and each other to do: made, closed, given to another."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Model

from config.db.locking import lock_name
from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor, id_of
from config.office.business_date import current_day
from config.office.events import record_event, subject_of
from config.office.models import Task, TaskReassignment
from config.office.models.task import LONGEST_TASK, TaskState
from config.office.notes import SAME_WITHIN
from config.office.subjects import staff_with, view_right

WRITE: Final = "office.add_note"
"""The right to have tasks, and to make them."""
MANAGE: Final = "office.manage_task"
"""The right to close and reassign the tasks of others, and to withdraw their documents."""


class TaskRefusal(StrEnum):
    """Why a task is not made, closed or given to another; the first that applies counts."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    DUE_BEFORE = "DUE_BEFORE"
    ASSIGNEE_MAY_NOT = "ASSIGNEE_MAY_NOT"
    MADE_ALREADY = "MADE_ALREADY"
    NOT_OPEN = "NOT_OPEN"
    OF_OTHERS = "OF_OTHERS"
    SAME_ASSIGNEE = "SAME_ASSIGNEE"
    OUTCOME_MISSING = "OUTCOME_MISSING"
    REASON_MISSING = "REASON_MISSING"


class TaskRefused(Refused[TaskRefusal]):
    """The task was not made, or stays as it is."""


def judge_task(*, text: str, due_on: date, today: date, assignee_may: bool, is_repeated: bool) -> TaskRefusal | None:
    """Decide whether a task is made.

    today: the business date. assignee_may: view the page, and have tasks. is_repeated: it was made a moment ago.
    """
    return first_of(
        {
            TaskRefusal.EMPTY: not text,
            TaskRefusal.TOO_LONG: len(text) > LONGEST_TASK,
            TaskRefusal.DUE_BEFORE: due_on < today,
            TaskRefusal.ASSIGNEE_MAY_NOT: not assignee_may,
            TaskRefusal.MADE_ALREADY: is_repeated,
        }
    )


def judge_closing(state: TaskState, *, is_theirs: bool, outcome: str) -> TaskRefusal | None:
    """Decide whether a task is closed. is_theirs: as `is_theirs` tells."""
    return first_of(
        {
            TaskRefusal.NOT_OPEN: state is not TaskState.OPEN,
            TaskRefusal.OF_OTHERS: not is_theirs,
            TaskRefusal.OUTCOME_MISSING: not outcome,
        }
    )


def judge_reassigning(
    state: TaskState, *, is_theirs: bool, is_same: bool, assignee_may: bool, reason: str
) -> TaskRefusal | None:
    """Decide whether a task goes to another colleague, who has to be able to view its page and have tasks."""
    return first_of(
        {
            TaskRefusal.NOT_OPEN: state is not TaskState.OPEN,
            TaskRefusal.OF_OTHERS: not is_theirs,
            TaskRefusal.SAME_ASSIGNEE: is_same,
            TaskRefusal.ASSIGNEE_MAY_NOT: not assignee_may,
            TaskRefusal.REASON_MISSING: not reason,
        }
    )


def is_overdue(state: TaskState, due_on: date, *, today: date) -> bool:
    """Tell whether a task is late on a business date; on its day it is not."""
    return state is TaskState.OPEN and due_on < today


def is_theirs(task: Task, actor: Actor, *, manages: bool) -> bool:
    """Tell whether somebody may close or reassign a task: whoever has it or made it, or manages all tasks.

    One that nobody can do any more, as its assignee left or may no longer view its page, is for everybody.
    """
    return manages or str(actor) in {task.assignee, task.made_by} or not _may_have(task.assignee, task.about)


def add_task(*, subject: Model, text: str, due_on: date, assignee_id: int | None, actor: Actor, now: datetime) -> Task:
    """Make a task about a row. assignee_id: of an account; None: whoever makes it. Raises TaskRefused, Contended."""
    with operation():
        about, text, maker = subject_of(subject), text.strip(), str(actor)
        assignee = maker if assignee_id is None else str(Actor.of_staff(assignee_id))
        made = {"about": about, "text": text, "due_on": due_on, "assignee": assignee, "made_by": maker}
        lock_name("office.add_task", about, maker)  # of two clicks, the second sees the first
        refusal = judge_task(
            text=text,
            due_on=due_on,
            today=current_day(now),
            assignee_may=_may_have(assignee, about),
            is_repeated=Task.objects.filter(**made, made_at__gt=now - SAME_WITHIN).exists(),
        )
        if refusal is not None:
            raise TaskRefused(refusal)
        task = Task.objects.create(**made, open_due_on=due_on, made_at=now)
        record_event(
            name="office.add_task",
            subject=task,
            actor=actor,
            before={},
            after={"about": about, "assignee": assignee, "due_on": due_on.isoformat(), "state": TaskState.OPEN},
            now=now,
        )
        return task


def close_task(*, task_id: int, state: TaskState, outcome: str, manages: bool, actor: Actor, now: datetime) -> Task:
    """Close a task as DONE or CANCELLED, with a line on what came of it. manages: the actor may close any.

    Raises TaskRefused, Contended, Task.DoesNotExist.
    """
    with operation():
        task, outcome = Task.objects.filter(pk=task_id).lock().get(), outcome.strip()
        refusal = judge_closing(
            TaskState(task.state), is_theirs=is_theirs(task, actor, manages=manages), outcome=outcome
        )
        if refusal is not None:
            raise TaskRefused(refusal)
        closed = {"state": state, "open_due_on": None, "closed_by": str(actor), "closed_at": now, "outcome": outcome}
        require_one(Task.objects.filter(pk=task.pk).open().update(**closed))
        record_event(
            name="office.close_task",
            subject=task,
            actor=actor,
            before={"state": task.state},
            after={"state": state},
            now=now,
        )
        return Task.objects.get(pk=task.pk)


def reassign_task(*, task_id: int, assignee_id: int, reason: str, manages: bool, actor: Actor, now: datetime) -> Task:
    """Give a task to another colleague. Raises TaskRefused, Contended, Task.DoesNotExist."""
    with operation():
        task, reason = Task.objects.filter(pk=task_id).lock().get(), reason.strip()
        before, after = task.assignee, str(Actor.of_staff(assignee_id))
        refusal = judge_reassigning(
            TaskState(task.state),
            is_theirs=is_theirs(task, actor, manages=manages),
            is_same=before == after,
            assignee_may=_may_have(after, task.about),
            reason=reason,
        )
        if refusal is not None:
            raise TaskRefused(refusal)
        require_one(Task.objects.filter(pk=task.pk).open().update(assignee=after))
        TaskReassignment.objects.create(
            task=task, before=before, after=after, reason=reason, made_by=str(actor), made_at=now
        )
        record_event(
            name="office.reassign_task",
            subject=task,
            actor=actor,
            before={"assignee": before},
            after={"assignee": after},
            now=now,
        )
        return Task.objects.get(pk=task.pk)


def possible_assignees(about: str) -> list[User]:
    """Return the colleagues who can have a task about a subject."""
    return list(staff_with(view_right(about), WRITE))


def _may_have(assignee: str, about: str) -> bool:
    return staff_with(view_right(about), WRITE).filter(pk=id_of(assignee)).exists()
