"""The card of a row's notes, tasks and documents: the newest of all three, in one query."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateField,
    Exists,
    F,
    IntegerField,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.business_date import current_day
from config.office.display import Card, Cell, Column, Table, Text, chip
from config.office.document_kinds import DocumentKind
from config.office.events import subject_of
from config.office.models import Document, Mention, Note, Task
from config.office.models.task import TaskState
from config.office.note_verbs import NOTE_VERBS
from config.office.note_words import KINDS, OVERDUE, TASK_STATES
from config.office.pages import RowNotes, named
from config.office.staff_tasks import is_overdue
from config.office.verbs import asked_by

SHOWN: Final = 10
LONGEST_SHOWN: Final = 600
"""Characters of a note; its own page has all of it."""
NOTE, TASK, DOCUMENT = "note", "task", "document"
DOCUMENT_KEPT, DOCUMENT_WITHDRAWN = (_("Document"), ""), (_("Document: withdrawn"), "")
LISTS: Final = {NOTE: _("All notes"), TASK: _("All tasks"), DOCUMENT: _("All documents")}


@dataclass(frozen=True, slots=True)
class Written:
    """A note, task or document, as the card shows it.

    state: of a task; of a document, its kind. whom: who has the task; who withdrew the document. is_unseen: it mentions
    whoever looks. open_tasks: about the same row, in all.
    """

    what: str
    number: int
    moment: datetime
    who: str
    said: str
    state: str
    whom: str
    day: date | None
    size: int
    is_unseen: bool
    open_tasks: int


def written_about(subject: str, *, actor: str, most: int) -> list[Written]:
    """Return what was written about a subject last, the newest first, in one query; actor: whoever looks."""
    mentions = Mention.objects.unseen_by(actor).filter(note=OuterRef("pk"))
    notes = _branch(subject, NOTE, Note, "written", "text", unseen=Exists(mentions))
    tasks = _branch(subject, TASK, Task, "made", "text", state=F("state"), whom=F("assignee"), day=F("due_on"))
    documents = _branch(
        subject, DOCUMENT, Document, "added", "name", state=F("kind"), whom=F("withdrawn_by"), size=F("size")
    )
    newest = [rows.order_by("-pk")[:most] for rows in (notes, tasks, documents)]
    found = newest[0].union(*newest[1:], all=True).order_by("-f_moment", "-f_number")[:most]
    return [Written(*row) for row in found]


def _branch(subject: str, what: str, model: type[Model], verb: str, said: str, **others: Any) -> QuerySet[Any]:  # noqa: ANN401 - expressions
    """Select the columns that all three have, under names that no model has."""
    waiting = Task.objects.open().filter(about=subject).order_by().values("about").annotate(number=Count("pk"))
    columns = {
        "what": Value(what, CharField()),
        "number": F("pk"),
        "moment": F(f"{verb}_at"),
        "who": F(f"{verb}_by"),
        "said": F(said),
        "state": Value("", CharField()),
        "whom": Value("", CharField()),
        "day": Value(None, DateField()),
        "size": Value(0, IntegerField()),
        "unseen": Value(value=False, output_field=BooleanField()),
        "open_tasks": Coalesce(Subquery(waiting.values("number")), 0),
    }
    named_so = {f"f_{name}": value for name, value in (columns | others).items()}
    rows: QuerySet[Any] = model._default_manager.filter(about=subject)  # noqa: SLF001 - Django says so
    selected: QuerySet[Any] = rows.annotate(**named_so).values_list(*named_so)
    return selected


def notes_card(row: Model, request: HttpRequest) -> Card:
    """Return the card of a row, for whoever may view its page."""
    subject = subject_of(row)
    found = written_about(subject, actor=str(asked_by(request).actor), most=SHOWN + 1)
    shown, names = found[:SHOWN], named([name for one in found for name in (one.who, one.whom)])
    today = current_day(timezone.now()) if found and found[0].open_tasks else date.min
    table = Table(
        columns=[Column(label=_("Written, UTC"), style="tl-nowrap"), Column(label=_("What"), style="tl-letter")],
        rows=[[_when(one, names, today), _what(one, names)] for one in shown],
        empty=_("Notes, tasks and documents about this record appear here."),
        style="tl-written",
    )
    note = Text(_t("The newest %(number)s are shown.") % {"number": SHOWN}, "tl-note")
    return Card(
        title=_("Notes, tasks and documents"),
        parts=[table, note] if len(found) > SHOWN else [table],
        aside=_lists(subject, found),
        anchor="notes",
    )


def _when(one: Written, names: dict[str | None, str | None], today: date) -> Cell:
    """Show when it was written and by whom, with its state; linked to its page."""
    return Cell(
        text=f"{one.moment:%Y-%m-%d %H:%M}",
        link=reverse(f"admin:office_{one.what}_change", args=[one.number]),
        note=names[one.who] or "",
        more=_chips(one, today),
    )


def _chips(one: Written, today: date) -> list[Cell]:
    if one.what == NOTE:
        return [chip(_("Mentions you"), "tl-warn")] if one.is_unseen else []
    if one.what == DOCUMENT:
        return [chip(*(DOCUMENT_WITHDRAWN if one.whom else DOCUMENT_KEPT))]
    state = task_chip(TaskState(one.state), one.day or today, today=today)
    return [replace(state, text=_t("Task: %(state)s") % {"state": str(state.text).lower()})]


def task_chip(state: TaskState, due_on: date, *, today: date) -> Cell:
    """Show the state of a task, and that it is overdue on a business date."""
    return chip(*(OVERDUE if is_overdue(state, due_on, today=today) else TASK_STATES[state]))


def _what(one: Written, names: dict[str | None, str | None]) -> Cell:
    if one.what == NOTE:
        return Cell(text=Truncator(one.said).chars(LONGEST_SHOWN))
    if one.what == TASK:
        said = _t("for %(who)s, due on %(date)s")
        return Cell(text=one.said, note=said % {"who": names[one.whom], "date": one.day})
    note = f"{KINDS[DocumentKind(one.state)]}, {filesizeformat(one.size)}"
    if one.whom:
        return Cell(text=one.said, note=note)
    return Cell(text=one.said, link=reverse("admin:office_document_file", args=[one.number]), note=note)


def _lists(subject: str, found: list[Written]) -> Cell | None:
    """Lead to the open tasks, and to the rest of what was written."""
    about = {"about": subject}
    links = []
    if found and found[0].open_tasks:
        number = found[0].open_tasks
        said = ngettext("%(n)s open task", "%(n)s open tasks", number) % {"n": f"{number:,}"}
        links.append(Cell(text=said, link=_listed(TASK, about | {"state": TaskState.OPEN})))
    if len(found) > SHOWN:
        links += [Cell(text=words, link=_listed(what, about)) for what, words in LISTS.items()]
    return replace(links[0], more=links[1:]) if links else None


def _listed(what: str, narrowed: dict[str, str]) -> str:
    return f"{reverse(f'admin:office_{what}_changelist')}?{urlencode(narrowed)}"


NOTES: Final = RowNotes(verbs=NOTE_VERBS, card=notes_card)
"""What an `OfficeAdmin` names as its `notes`."""
