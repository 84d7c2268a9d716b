"""What staff set themselves and each other to do about a row."""

from datetime import date
from enum import StrEnum
from typing import Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet

LONGEST_TASK: Final = 500
"""Characters, of what is to be done, and of what came of it."""


class TaskState(StrEnum):
    """The states of a task."""

    OPEN = "OPEN"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


OPEN = TaskState.OPEN.value


class TaskQuerySet(LockingQuerySet["Task"]):
    def open(self) -> Self:
        return self.filter(state=OPEN)

    def overdue(self, on: date) -> Self:
        """Keep those that were due before a business date."""
        return self.open().filter(due_on__lt=on)


class Task(models.Model):
    """Something to be done about a row by a day, by one member of staff.

    about: the row, like `lending.loan:33`. open_due_on: the due day while it is open, by which lists sort.
    outcome: what came of it, in a line.
    """

    about = models.CharField(max_length=80)
    text = models.CharField(max_length=LONGEST_TASK)
    due_on = models.DateField()
    open_due_on = models.DateField(null=True)
    assignee = models.CharField(max_length=40)
    state = models.CharField(max_length=9, choices=choices(TaskState), default=OPEN)
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    closed_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until someone did
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=LONGEST_TASK, default="")

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        permissions = [("manage_task", "Can close and reassign the tasks of others, and withdraw their documents")]
        indexes = [
            models.Index(fields=["about", "id"], name="office_task_by_subject"),
            models.Index(fields=["open_due_on", "id"], name="office_task_by_due_day"),
            models.Index(fields=["assignee", "due_on"], name="office_task_of_whom", condition=Q(state=OPEN)),
        ]
        constraints = [
            known("state", TaskState, name="office_task_state_known"),
            models.CheckConstraint(
                name="office_task_due_while_open",
                condition=Q(state=OPEN, open_due_on__isnull=False, open_due_on=F("due_on"))
                | (~Q(state=OPEN) & Q(open_due_on__isnull=True)),
            ),
            models.CheckConstraint(
                name="office_task_closed_by_whom_and_when",
                condition=Q(state=OPEN, closed_by__isnull=True, closed_at__isnull=True, outcome="")
                | (~Q(state=OPEN) & Q(closed_by__isnull=False, closed_at__isnull=False) & ~Q(outcome="")),
            ),
        ]

    def __str__(self) -> str:
        return f"task_{self.pk}"


class TaskReassignment(models.Model):
    """That a task went from one colleague to another, and why. The application never changes it."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reassignments")
    before = models.CharField(max_length=40)
    after = models.CharField(max_length=40)
    reason = models.CharField(max_length=500)
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reassignment")
        constraints = [
            models.CheckConstraint(name="office_taskreassignment_to_another", condition=~Q(before=F("after"))),
        ]

    def __str__(self) -> str:
        return f"reassignment_{self.pk}"
