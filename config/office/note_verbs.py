"""The verbs of every row that has notes: write a note, add a task, add a document."""

from typing import Any, Final

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from config.office.document_kinds import ENDINGS, LARGEST, FileRefusal
from config.office.documents import DocumentRefused, FileNotKept, add_document
from config.office.events import subject_of
from config.office.models.note import LONGEST_NOTE
from config.office.models.task import LONGEST_TASK
from config.office.note_words import DOCUMENT_REFUSALS, FILE_REFUSALS, NOTE_REFUSALS, TASK_REFUSALS
from config.office.notes import NoteNotWritten, plain_lines, write_note
from config.office.pages import named
from config.office.staff_tasks import WRITE, TaskRefused, add_task, possible_assignees
from config.office.verbs import Asked, RefusedInWords, Verb, VerbForm, choice_field, date_field
from config.office.words import Words

GROUP: Final = _("Notes")


class LinesField(forms.CharField):
    """A text of several lines, which count alike however a browser sends their ends."""

    def to_python(self, value: Any) -> str:  # noqa: ANN401 - Django's signature
        return plain_lines(str(super().to_python(value)))


def lines_field(label: Any, *, longest: int, rows: int, **options: Any) -> LinesField:  # noqa: ANN401 - words, the field's own
    """Return a field for a text of several lines."""
    widget = UnfoldAdminTextareaWidget({"rows": rows})
    return LinesField(label=label, max_length=longest, widget=widget, **options)


class NoteForm(VerbForm):
    """A note."""

    text = lines_field(
        _("Note"),
        longest=LONGEST_NOTE,
        rows=8,
        help_text=_(
            "Whoever may view this page may read it; it cannot be changed or removed. @ and a log-in, like @lena, "
            "tells a colleague: it waits for them until they mark it as seen."
        ),
    )


class TaskForm(VerbForm):
    """A task for oneself or a colleague."""

    text = lines_field(_("What is to be done"), longest=LONGEST_TASK, rows=3)
    due_on = date_field(_("Due on"))
    assignee = choice_field(_("Assignee"), required=False, empty_value=None)

    def prepare(self) -> None:
        """Offer whoever may view the page and have tasks; without a choice, it is whoever asks."""
        colleagues = [(user.pk, user.get_username()) for user in possible_assignees(subject_of(self.row))]
        self.fields["assignee"].choices = [("", _("Me")), *colleagues]  # type: ignore[attr-defined] # of the field above


class DocumentForm(VerbForm):
    """A file."""

    file = forms.FileField(
        label=_("File"),
        max_length=200,
        widget=UnfoldAdminFileFieldWidget({"accept": ",".join(ENDINGS)}),
        help_text=_(
            "A PDF, or an image as PNG or JPEG, of at most 10 MB. It is kept encrypted, and cannot be removed; a "
            "document that does not belong here can be withdrawn."
        ),
    )

    def clean_file(self) -> Any:  # noqa: ANN401 - Django's own file
        """Refuse a file that is too large before any of it is read. Raises ValidationError."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(FILE_REFUSALS[FileRefusal.TOO_LARGE])
        return file


def _write(row: Model, asked: Asked) -> list[str]:
    """Write a note; return who is told."""
    try:
        note = write_note(subject=row, text=asked.data["text"], actor=asked.actor, now=asked.now)
    except NoteNotWritten as refused:
        raise RefusedInWords(NOTE_REFUSALS[refused.reason] % {"name": refused.name}) from refused
    names = named(note.mentions.values_list("colleague", flat=True)).values()
    return sorted(name for name in names if name)


def _told(names: list[str]) -> Words:
    if not names:
        return _("The note is written: it is at the end of this page.")
    said = _t("The note is written: it is at the end of this page. It waits for %(names)s.")
    return said % {"names": ", ".join(names)}


def _add_task(row: Model, asked: Asked) -> None:
    add_task(
        subject=row,
        text=asked.data["text"],
        due_on=asked.data["due_on"],
        assignee_id=asked.data["assignee"],
        actor=asked.actor,
        now=asked.now,
    )


def _add_document(row: Model, asked: Asked) -> None:
    file = asked.data["file"]
    add_document(subject=row, name=file.name or "", content=file.read(), actor=asked.actor, now=asked.now)


NOTE_VERBS: Final = (
    Verb(
        name="write_note",
        label=_("Write a note"),
        right=WRITE,
        group=GROUP,
        form=NoteForm,
        call=_write,
        done=_told,
        refusals={},
    ),
    Verb(
        name="add_task",
        label=_("Add a task"),
        right=WRITE,
        group=GROUP,
        form=TaskForm,
        call=_add_task,
        done=_("The task is added: it is at the end of this page, and under Tasks."),
        refusals={TaskRefused: TASK_REFUSALS},
    ),
    Verb(
        name="add_document",
        label=_("Add a document"),
        right=WRITE,
        group=GROUP,
        form=DocumentForm,
        call=_add_document,
        done=_("The document is kept: it is at the end of this page."),
        refusals={FileNotKept: FILE_REFUSALS, DocumentRefused: DOCUMENT_REFUSALS},
    ),
)
