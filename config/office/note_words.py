"""What refusals and states of notes, tasks and documents are called."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from config.office.document_kinds import DocumentKind, FileRefusal
from config.office.documents import DocumentRefusal
from config.office.models.task import TaskState
from config.office.notes import MentionRefusal, NoteRefusal
from config.office.staff_tasks import TaskRefusal
from config.office.words import Words

NOTE_REFUSALS: Final[dict[NoteRefusal, Words]] = {
    NoteRefusal.EMPTY: _("Please write something."),
    NoteRefusal.TOO_LONG: _("A note has at most 4,000 characters."),
    NoteRefusal.WRITTEN_ALREADY: _("You wrote exactly this a moment ago: it is written once."),
    NoteRefusal.COLLEAGUE_MAY_NOT_VIEW: _("“@%(name)s” may not view this page, and so could not read the note."),
}
MENTION_REFUSALS: Final[dict[MentionRefusal, Words]] = {
    MentionRefusal.NOT_MENTIONED: _("This note does not mention you."),
    MentionRefusal.SEEN_ALREADY: _("You have marked it as seen already."),
}
TASK_REFUSALS: Final[dict[TaskRefusal, Words]] = {
    TaskRefusal.EMPTY: _("Please say what is to be done."),
    TaskRefusal.TOO_LONG: _("A task has at most 500 characters: write the rest as a note."),
    TaskRefusal.DUE_BEFORE: _("The due day is before the business date."),
    TaskRefusal.ASSIGNEE_MAY_NOT: _("This colleague does not have access to this record, or cannot be given tasks."),
    TaskRefusal.MADE_ALREADY: _("You added exactly this task a moment ago: it is added once."),
    TaskRefusal.NOT_OPEN: _("The task is closed already."),
    TaskRefusal.OF_OTHERS: _("Only the assignee, whoever created the task, or a manager of tasks can do this."),
    TaskRefusal.SAME_ASSIGNEE: _("This colleague has the task already."),
    TaskRefusal.OUTCOME_MISSING: _("Please give the outcome."),
    TaskRefusal.REASON_MISSING: _("Please give a reason."),
}
FILE_REFUSALS: Final[dict[FileRefusal, Words]] = {
    FileRefusal.EMPTY: _("The file is empty."),
    FileRefusal.TOO_LARGE: _("The file is larger than 10 MB."),
    FileRefusal.OTHER_ENDING: _("The name has to end in .pdf, .png, .jpg or .jpeg."),
    FileRefusal.OTHER_CONTENT: _(
        "The file is not what its name says, or it is damaged: a PDF, PNG or JPEG is kept if it can be read as one."
    ),
    FileRefusal.TOO_DEMANDING: _(
        "The image has more than 40 million pixels, or is built of more than 20 passes: save it smaller, as a plain "
        "PNG or JPEG."
    ),
}
DOCUMENT_REFUSALS: Final[dict[DocumentRefusal, Words]] = {
    DocumentRefusal.KEPT_ALREADY: _("This file has already been added here."),
    DocumentRefusal.WITHDRAWN: _(
        "The document is withdrawn: it is kept, and handed out to auditors and controllers alone."
    ),
    DocumentRefusal.OF_OTHERS: _("Only whoever added the document, or a manager of tasks, can withdraw it."),
    DocumentRefusal.REASON_MISSING: _("Please give a reason."),
}
TASK_STATES: Final[dict[TaskState, tuple[Words, str]]] = {
    TaskState.OPEN: (_("Open"), "tl-info"),
    TaskState.DONE: (_("Done"), "tl-ok"),
    TaskState.CANCELLED: (_("Cancelled"), ""),
}
OVERDUE: Final = (_("Overdue"), "tl-bad")
WITHDRAWN: Final = (_("Withdrawn"), "")
KINDS: Final[dict[DocumentKind, Words]] = {
    DocumentKind.PDF: _("PDF"),
    DocumentKind.PNG: _("PNG image"),
    DocumentKind.JPEG: _("JPEG image"),
}
