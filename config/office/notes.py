"""Write notes about rows, and tell colleagues whom they mention."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Model
from django.db.models.functions import Lower

from config.db.locking import lock_name
from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor, actor_of
from config.office.events import record_event, subject_of
from config.office.mentions import mentioned
from config.office.models import Mention, Note
from config.office.models.note import LONGEST_NOTE
from config.office.subjects import staff_with, view_right

READ: Final = "office.view_note"
SAME_WITHIN: Final = timedelta(minutes=1)
"""In which the same, written again about the same row by the same colleague, is a second click."""


class NoteRefusal(StrEnum):
    """Why a note is not written; the first that applies counts."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    WRITTEN_ALREADY = "WRITTEN_ALREADY"
    COLLEAGUE_MAY_NOT_VIEW = "COLLEAGUE_MAY_NOT_VIEW"


class NoteNotWritten(Refused[NoteRefusal]):
    """The note was not written; name: of the colleague because of whom."""

    def __init__(self, reason: NoteRefusal, name: str = "") -> None:
        super().__init__(reason)
        self.name = name


class MentionRefusal(StrEnum):
    """Why a mention is not marked as seen."""

    NOT_MENTIONED = "NOT_MENTIONED"
    SEEN_ALREADY = "SEEN_ALREADY"


class MentionNotSeen(Refused[MentionRefusal]):
    """Nothing was marked as seen."""


def plain_lines(text: str) -> str:
    """Return a text as it is kept: lines end alike, and nothing stands around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def judge_note(text: str, *, is_repeated: bool, views: Mapping[str, bool]) -> tuple[NoteRefusal, str] | None:
    """Decide whether a note is written, and name the colleague because of whom it is not.

    is_repeated: it was written a moment ago. views: whether each of those mentioned may view the page.
    """
    of_text = first_of(
        {
            NoteRefusal.EMPTY: not text,
            NoteRefusal.TOO_LONG: len(text) > LONGEST_NOTE,
            NoteRefusal.WRITTEN_ALREADY: is_repeated,
        }
    )
    if of_text is not None:
        return of_text, ""
    unable = next((name for name, may in views.items() if not may), None)
    return None if unable is None else (NoteRefusal.COLLEAGUE_MAY_NOT_VIEW, unable)


def write_note(*, subject: Model, text: str, actor: Actor, now: datetime) -> Note:
    """Write a note about a row. Raises NoteNotWritten, Contended."""
    with operation():
        about, text, writer = subject_of(subject), plain_lines(text), str(actor)
        lock_name("office.write_note", about, writer)  # of two clicks, the second sees the first
        same = Note.objects.filter(about=about, text=text, written_by=writer, written_at__gt=now - SAME_WITHIN)
        colleagues = _colleagues(mentioned(text), about, author=actor)
        views = {name: may for name, (_user, may) in colleagues.items()}
        refusal = judge_note(text, is_repeated=same.exists(), views=views)
        if refusal is not None:
            raise NoteNotWritten(*refusal)
        note = Note.objects.create(about=about, text=text, written_by=writer, written_at=now)
        called = {str(actor_of(user)) for user, _may in colleagues.values()}
        Mention.objects.bulk_create(Mention(note=note, colleague=one, made_at=now) for one in sorted(called))
        record_event(
            name="office.write_note",
            subject=note,
            actor=actor,
            before={},
            after={"about": about, "mentions": len(called)},
            now=now,
        )
        return note


def _colleagues(names: list[str], about: str, *, author: Actor) -> dict[str, tuple[User, bool]]:
    """Find the colleagues of these names but the author, and whether each may view the page of a subject.

    A name is a log-in however it is capitalised; where two log-ins differ by that alone, it is the one as written. What
    is nobody's log-in is text like any other.
    """
    lowered = [name.lower() for name in names]
    known = User.objects.filter(is_active=True, is_staff=True).annotate(lower=Lower("username"))
    users = list(known.filter(lower__in=lowered)) if names else []
    able = set(staff_with(view_right(about), READ).filter(pk__in=[user.pk for user in users])) if users else set()
    found: dict[str, tuple[User, bool]] = {}
    for name in names:
        alike = [user for user in users if user.username.lower() == name.lower()]
        exact = [user for user in alike if user.username == name]
        user = next(iter(exact or alike if len(exact or alike) == 1 else []), None)
        if user is not None and actor_of(user) != author:
            found[name] = (user, user in able)
    return found


def judge_seeing(mention: Mention | None) -> MentionRefusal | None:
    """Decide whether a mention may be marked as seen. mention: None if the note does not mention whoever asks."""
    return first_of(
        {
            MentionRefusal.NOT_MENTIONED: mention is None,
            MentionRefusal.SEEN_ALREADY: mention is not None and mention.seen_at is not None,
        }
    )


def see_mention(*, note_id: int, actor: Actor, now: datetime) -> Note:
    """Mark as seen that a note mentions whoever acts. Raises MentionNotSeen, Contended."""
    with operation():
        mention = Mention.objects.filter(note=note_id, colleague=str(actor)).lock().first()
        refusal = judge_seeing(mention)
        if refusal is not None or mention is None:
            raise MentionNotSeen(refusal or MentionRefusal.NOT_MENTIONED)
        require_one(Mention.objects.filter(pk=mention.pk, seen_at__isnull=True).update(seen_at=now))
        note = Note.objects.get(pk=note_id)
        record_event(
            name="office.see_mention", subject=note, actor=actor, before={"seen": False}, after={"seen": True}, now=now
        )
        return note
