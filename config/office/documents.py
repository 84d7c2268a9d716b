"""Keep files about rows, hand them out again, and withdraw them."""

from datetime import datetime
from enum import StrEnum

from django.db.models import Model

from config.db.encryption import TextUnreadable
from config.db.locking import lock_name
from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor
from config.office.document_kinds import FileRefusal, harmless_name, judge_file, kind_of
from config.office.events import record_event, subject_of
from config.office.models import Document
from config.office.models.document import sealed_document


class DocumentRefusal(StrEnum):
    """Why a document is not kept, handed out or withdrawn; the first that applies counts."""

    KEPT_ALREADY = "KEPT_ALREADY"
    WITHDRAWN = "WITHDRAWN"
    OF_OTHERS = "OF_OTHERS"
    REASON_MISSING = "REASON_MISSING"


class FileNotKept(Refused[FileRefusal]):
    """The file is none that is kept."""


class DocumentRefused(Refused[DocumentRefusal]):
    """The document was not kept, handed out or withdrawn."""


def add_document(*, subject: Model, name: str, content: bytes, actor: Actor, now: datetime) -> Document:
    """Keep a file about a row. Raises FileNotKept, DocumentRefused, Contended."""
    refusal, kind = judge_file(name, content), kind_of(name)
    if refusal is not None or kind is None:
        raise FileNotKept(refusal or FileRefusal.OTHER_ENDING)
    about = subject_of(subject)
    sealed = sealed_document(content, about=about)
    with operation():
        lock_name("office.add_document", about, sealed["sha256"])
        if Document.objects.standing().filter(about=about, sha256=sealed["sha256"]).exists():
            raise DocumentRefused(DocumentRefusal.KEPT_ALREADY)
        document = Document.objects.create(
            about=about, name=harmless_name(name), kind=kind, added_by=str(actor), added_at=now, **sealed
        )
        record_event(
            name="office.add_document",
            subject=document,
            actor=actor,
            before={},
            after={"about": about, "kind": kind, "bytes": document.size, "sha256": document.sha256},
            now=now,
        )
        return document


def judge_opening(*, is_withdrawn: bool, sees_withdrawn: bool) -> DocumentRefusal | None:
    """Decide whether a document is handed out; a withdrawn one to those alone who have a right of its own for that."""
    return DocumentRefusal.WITHDRAWN if is_withdrawn and not sees_withdrawn else None


def open_document(*, document_id: int, sees_withdrawn: bool, actor: Actor, now: datetime) -> tuple[Document, bytes]:
    """Return a document and its file, which is recorded, as is one that is no longer what was kept.

    sees_withdrawn: the actor may open what was withdrawn. Raises DocumentRefused, KeyMissing, TextUnreadable,
    Document.DoesNotExist.
    """
    with operation():
        document = Document.objects.get(pk=document_id)
        refusal = judge_opening(is_withdrawn=document.withdrawn_at is not None, sees_withdrawn=sees_withdrawn)
        if refusal is not None:
            raise DocumentRefused(refusal)
        content, damage = b"", None
        try:
            content = document.content
        except TextUnreadable as error:
            damage = error
        record_event(
            name="office.open_document" if damage is None else "office.find_document_changed",
            subject=document,
            actor=actor,
            before={},
            after={"about": document.about, "sha256": document.sha256},
            now=now,
        )
    if damage is not None:
        raise damage
    return document, content


def is_theirs(document: Document, actor: Actor, *, manages: bool) -> bool:
    """Tell whether somebody may withdraw a document: whoever added it, or manages other people's tasks."""
    return manages or str(actor) == document.added_by


def judge_withdrawal(*, is_withdrawn: bool, is_theirs: bool, reason: str) -> DocumentRefusal | None:
    """Decide whether a document is withdrawn. is_theirs: as `is_theirs` tells."""
    return first_of(
        {
            DocumentRefusal.WITHDRAWN: is_withdrawn,
            DocumentRefusal.OF_OTHERS: not is_theirs,
            DocumentRefusal.REASON_MISSING: not reason,
        }
    )


def withdraw_document(*, document_id: int, reason: str, manages: bool, actor: Actor, now: datetime) -> Document:
    """Keep a document, and hand it out no longer but to those who oversee. manages: the actor may withdraw any.

    Raises DocumentRefused, Contended, Document.DoesNotExist.
    """
    with operation():
        document = Document.objects.without_content().filter(pk=document_id).lock().get()
        refusal = judge_withdrawal(
            is_withdrawn=document.withdrawn_at is not None,
            is_theirs=is_theirs(document, actor, manages=manages),
            reason=reason.strip(),
        )
        if refusal is not None:
            raise DocumentRefused(refusal)
        withdrawn = {"withdrawn_by": str(actor), "withdrawn_at": now, "withdrawn_why": reason.strip()}
        require_one(Document.objects.standing().filter(pk=document.pk).update(**withdrawn))
        record_event(
            name="office.withdraw_document",
            subject=document,
            actor=actor,
            before={},
            after={"about": document.about, "sha256": document.sha256},
            now=now,
        )
        return Document.objects.without_content().get(pk=document.pk)
