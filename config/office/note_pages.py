"""Office pages of notes, and of what everything that is written about rows has: it is seen by whoever views the row."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.colleagues import colleagues
from config.office.display import Card, Cell, Column, Page, Table, Text, chip
from config.office.lists import Filter, ListColumn
from config.office.models import Mention, Note
from config.office.note_words import MENTION_REFUSALS
from config.office.noted import visible
from config.office.notes import READ, MentionNotSeen, judge_seeing, see_mention
from config.office.pages import M, OfficeAdmin, name_of, named, subject_url, subject_words
from config.office.subjects import may_view
from config.office.verbs import Verb, refused_by

UNSEEN: Final = (_("Not seen yet"), "tl-warn")


def about_cell(about: str) -> Cell:
    """Name what something is about, linked to its page."""
    return Cell(text=subject_words(about), link=subject_url(about))


def about_filter() -> Filter:
    """Return a filter by what something is about."""
    return Filter(name="about", label=_("about, like lending.loan:33"), keep=lambda rows, term: rows.filter(about=term))


class AboutAdmin(OfficeAdmin[M]):
    """Rows about other rows, for whoever may view the pages of those."""

    def shown_to(self, user: User, rows: QuerySet[M]) -> QuerySet[M]:
        return visible(rows, user)

    def admits(self, user: User, row: Any) -> bool:  # noqa: ANN401 - of a model that is about another
        return may_view(user, row.about)


SEEN: Final = Verb(
    name="seen",
    label=_("Seen"),
    right=READ,
    note=_("The note no longer waits for you."),
    why_not=refused_by(
        lambda note, asked: judge_seeing(Mention.objects.filter(note=note, colleague=str(asked.actor)).first()),
        MENTION_REFUSALS,
    ),
    offered_to=lambda note, asked: note.mentions.unseen_by(str(asked.actor)).exists(),
    call=lambda note, asked: see_mention(note_id=note.pk, actor=asked.actor, now=asked.now),
    done=_("Marked as seen."),
    refusals={MentionNotSeen: MENTION_REFUSALS},
    is_primary=True,
)


@admin.register(Note)
class NoteAdmin(AboutAdmin[Note]):
    """What was written; a note is never changed."""

    title = _("Notes")
    columns = (
        ListColumn(label=_("Note"), cell=lambda row: row[0].text, style="tl-clamp"),
        ListColumn(label=_("About"), cell=lambda row: about_cell(row[0].about)),
        ListColumn(label=_("Written by"), cell=lambda row: row[1]),
        ListColumn(label=_("Written, UTC"), cell=lambda row: row[0].written_at, style="tl-nowrap"),
    )
    filters = (
        Filter(
            name="unseen",
            label=_("not yet seen by"),
            choices=colleagues,
            comes_and_goes=True,
            keep=lambda rows, who: rows.filter(pk__in=Mention.objects.unseen_by(who).values("note")),
        ),
        about_filter(),
    )
    verbs = (SEEN,)
    empty = _("No note yet. They are written on the pages of merchants, applications, loans and arrears cases.")

    def prepare(self, rows: list[Note]) -> Sequence[Any]:
        names = named([note.written_by for note in rows])
        return [(note, names[note.written_by]) for note in rows]

    def page_of(self, row: Note, request: HttpRequest) -> Page:
        written = {"who": name_of(row.written_by), "at": f"{row.written_at:%Y-%m-%d %H:%M}"}
        cards = [Card(title=_("Note"), parts=[Text(row.text, "tl-letter")], span=8)]
        mentions = list(row.mentions.order_by("pk"))
        if mentions:
            cards.append(Card(title=_("Mentions"), parts=[_mentions(mentions)], span=4))
        return Page(
            title=(title := _t("Note about %(what)s") % {"what": subject_words(row.about)}),
            name=Cell(text=title, link=subject_url(row.about)),
            sub=[_t("written by %(who)s, %(at)s UTC") % written],
            cards=cards,
        )


def _mentions(mentions: Sequence[Mention]) -> Table:
    names = named(one.colleague for one in mentions)
    columns = [Column(label=_("Colleague")), Column(label=_("Seen, UTC"), style="tl-nowrap")]
    return Table(columns=columns, rows=[[names[one.colleague], one.seen_at or chip(*UNSEEN)] for one in mentions])
