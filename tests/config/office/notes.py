"""Notes, tasks and documents about rows."""

from datetime import date
from io import BytesIO

from django.contrib.auth.models import User
from django.db.models import Model
from PIL import Image

from config.db.locking import lock_name
from config.declarations import Role
from config.office.actors import Actor
from config.office.documents import add_document
from config.office.events import subject_of
from config.office.models import Document, Note, Task
from config.office.notes import write_note
from config.office.staff_tasks import add_task
from config.office.subjects import staff_with, view_right
from tests.conftest import CLERK, NOW, make_user

TODAY = NOW.date()
WRITER = Actor.of_staff(999)
"""Nobody of those whom tests mention: nobody is told of their own notes."""
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"


class Named(tuple[str, ...]):
    """A name that a test holds, as it would rows."""

    __slots__ = ()

    def lock(self) -> list[object]:
        lock_name(*self)
        return []


def picture(kind: str = "PNG", *, colour: str = "white", size: int = 64, progressive: bool = False) -> bytes:
    """Draw a plain picture."""
    kept = BytesIO()
    Image.new("RGB", (size, size), colour).save(kept, kind, **({"progressive": True} if progressive else {}))
    return kept.getvalue()


def colleague(name: str = "lena", role: Role = Role.UNDERWRITER) -> User:
    return User.objects.filter(username=name).first() or make_user(name, role)


def make_note(subject: Model, text: str = "They moved to the market hall.", *, actor: Actor = WRITER) -> Note:
    return write_note(subject=subject, text=text, actor=actor, now=NOW)


def make_task(subject: Model, text: str = "Call them back.", *, due_on: date = TODAY, user: User | None = None) -> Task:
    """Make a task of somebody, by default of whoever may have it; the business date must not be later."""
    found = user or staff_with(view_right(subject_of(subject)), "office.add_note").first() or colleague()
    return add_task(subject=subject, text=text, due_on=due_on, assignee_id=found.pk, actor=CLERK, now=NOW)


def make_document(
    subject: Model, name: str = "contract.pdf", content: bytes = PDF, *, actor: Actor = CLERK
) -> Document:  # fmt: skip
    return add_document(subject=subject, name=name, content=content, actor=actor, now=NOW)
