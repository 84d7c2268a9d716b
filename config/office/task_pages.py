"""Office pages of tasks: everybody's, each with what may be done with it."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import current_day
from config.office.colleagues import colleagues
from config.office.display import Button, Card, Cell, Column, Facts, Figure, Page, Table, Text
from config.office.lists import Filter, ListColumn, choice_filter
from config.office.models import Task
from config.office.models.task import LONGEST_TASK, TaskState
from config.office.note_card import task_chip
from config.office.note_pages import AboutAdmin, about_cell, about_filter
from config.office.note_verbs import lines_field
from config.office.note_words import TASK_REFUSALS, TASK_STATES
from config.office.own_work import mentions_url, tasks_url
from config.office.pages import named, subject_url, subject_words
from config.office.staff_tasks import (
    MANAGE,
    WRITE,
    TaskRefused,
    close_task,
    is_theirs,
    judge_closing,
    judge_reassigning,
    possible_assignees,
    reassign_task,
)
from config.office.verbs import (
    TO_BE_GIVEN,
    Asked,
    Refusals,
    Verb,
    VerbForm,
    asked_by,
    choice_field,
    reason_field,
    refused_by,
)
from config.office.words import Words

REFUSALS: Final[Refusals] = {TaskRefused: TASK_REFUSALS}


class OutcomeForm(VerbForm):
    """What came of a task."""

    outcome = lines_field(_("Outcome"), longest=LONGEST_TASK, rows=3)


class ReassignForm(VerbForm):
    """To whom a task goes, and why."""

    assignee = choice_field(_("To whom"))
    reason = reason_field(help_text=_("The reason is kept with the task, with your name."))

    def prepare(self) -> None:
        """Offer whoever else may have the task."""
        others = [(user.pk, user.get_username()) for user in possible_assignees(self.row.about)]
        choices = [(pk, name) for pk, name in others if f"staff:{pk}" != self.row.assignee]
        self.fields["assignee"].choices = choices  # type: ignore[attr-defined] # of the field above


def _is_open(task: Task) -> bool:
    return task.state == TaskState.OPEN


def _theirs(task: Task, asked: Asked) -> bool:
    return is_theirs(task, asked.actor, manages=asked.may(MANAGE))


def _about(task: Task, _asked: Asked) -> Sequence[Any]:
    return [Text(task.text, "tl-letter"), Facts([(_("Due on"), task.due_on), (_("About"), about_cell(task.about))])]


def _closing(state: TaskState, name: str, label: Words, done: Words, *, is_primary: bool) -> Verb:
    return Verb(
        name=name,
        label=label,
        right=WRITE,
        form=OutcomeForm,
        about=_about,
        offered=_is_open,
        why_not=refused_by(
            lambda task, asked: judge_closing(
                TaskState(task.state), is_theirs=_theirs(task, asked), outcome=TO_BE_GIVEN
            ),
            TASK_REFUSALS,
        ),
        call=lambda task, asked: close_task(
            task_id=task.pk,
            state=state,
            outcome=asked.data["outcome"],
            manages=asked.may(MANAGE),
            actor=asked.actor,
            now=asked.now,
        ),
        done=done,
        refusals=REFUSALS,
        is_primary=is_primary,
    )


REASSIGN: Final = Verb(
    name="reassign",
    label=_("Reassign"),
    right=WRITE,
    form=ReassignForm,
    about=_about,
    offered=_is_open,
    why_not=refused_by(
        lambda task, asked: judge_reassigning(
            TaskState(task.state), is_theirs=_theirs(task, asked), is_same=False, assignee_may=True, reason=TO_BE_GIVEN
        ),
        TASK_REFUSALS,
    ),
    call=lambda task, asked: reassign_task(
        task_id=task.pk,
        assignee_id=asked.data["assignee"],
        reason=asked.data["reason"],
        manages=asked.may(MANAGE),
        actor=asked.actor,
        now=asked.now,
    ),
    done=_("The task is reassigned."),
    refusals=REFUSALS,
)


def _overdue(rows: QuerySet[Task], _value: str) -> QuerySet[Task]:
    return rows.filter(pk__in=Task.objects.overdue(_today()).values("pk"))


@admin.register(Task)
class TaskAdmin(AboutAdmin[Task]):
    """Tasks, the open ones first, by the day they are due."""

    title = _("Tasks")
    list_key = "open_due_on"
    columns = (
        ListColumn(label=_("Task"), cell=lambda row: row[0].text, style="tl-clamp"),
        ListColumn(
            label=_("Due"), cell=lambda row: row[0].due_on, style="tl-nowrap", sort="open_due_on", sort_nulls=True,
            indexed=True, ascends_first=True,
        ),
        ListColumn(
            label=_("State"), cell=lambda row: task_chip(TaskState(row[0].state), row[0].due_on, today=row[2])
        ),
        ListColumn(label=_("Assignee"), cell=lambda row: row[1][row[0].assignee]),
        ListColumn(label=_("About"), cell=lambda row: about_cell(row[0].about)),
        ListColumn(label=_("Added by"), cell=lambda row: row[1][row[0].made_by]),
    )  # fmt: skip
    filters = (
        Filter(
            name="assignee",
            label=_("assignee"),
            choices=colleagues,
            comes_and_goes=True,
            keep=lambda rows, who: rows.filter(assignee=who),
        ),
        choice_filter("state", _("state"), TASK_STATES),
        Filter(name="overdue", label=_("overdue"), choices=lambda: [("yes", _("Overdue"))], keep=_overdue),
        about_filter(),
    )
    verbs = (
        _closing(TaskState.DONE, "done", _("Done"), _("The task is done."), is_primary=True),
        REASSIGN,
        _closing(TaskState.CANCELLED, "cancel", _("Cancel the task"), _("The task is cancelled."), is_primary=False),
    )
    empty = _("No task yet. They are added on the pages of merchants, applications, loans and arrears cases.")

    def buttons(self, request: HttpRequest, row: Task | None) -> list[Button]:
        """Lead from the list to what is one's own, too."""
        if row is not None:
            return super().buttons(request, row)
        actor = str(asked_by(request).actor)
        return [
            Button(label=_("My open tasks"), url=tasks_url(actor), is_primary=False),
            Button(label=_("Notes that mention me"), url=mentions_url(actor), is_primary=False),
        ]

    def prepare(self, rows: list[Task]) -> Sequence[Any]:
        names, today = named([who for task in rows for who in (task.assignee, task.made_by)]), _today()
        return [(task, names, today) for task in rows]

    def page_of(self, row: Task, request: HttpRequest) -> Page:
        moves = list(row.reassignments.order_by("pk"))
        people = [row.assignee, row.made_by, row.closed_by, *(one.made_by for one in moves)]
        names = named([*people, *(who for one in moves for who in (one.before, one.after))])
        made = {"who": names[row.made_by], "at": f"{row.made_at:%Y-%m-%d %H:%M}"}
        cards = [Card(title=_("What is to be done"), parts=[Text(row.text, "tl-letter")])]
        if not _is_open(row):
            closed = [(_("By"), names[row.closed_by]), (_("At, UTC"), row.closed_at)]
            cards.append(Card(title=_("Outcome"), parts=[Text(row.outcome, "tl-letter"), Facts(closed)]))
        if moves:
            columns = [
                Column(label=_("At, UTC"), style="tl-nowrap"),
                Column(label=_("From")),
                Column(label=_("To")),
                Column(label=_("Why")),
                Column(label=_("By")),
            ]
            rows = [[one.made_at, names[one.before], names[one.after], one.reason, names[one.made_by]] for one in moves]
            cards.append(Card(title=_("Reassignments"), parts=[Table(columns=columns, rows=rows)]))
        return Page(
            title=(title := _t("Task about %(what)s") % {"what": subject_words(row.about)}),
            name=Cell(text=title, link=subject_url(row.about)),
            chips=[task_chip(TaskState(row.state), row.due_on, today=_today())],
            sub=[_t("added by %(who)s, %(at)s UTC") % made],
            figures=[
                Figure(label=_("Due on"), value=row.due_on, style="tl-plain"),
                Figure(label=_("Assignee"), value=names[row.assignee], style="tl-plain"),
            ],
            cards=cards,
        )


def _today() -> date:
    return current_day(timezone.now())
