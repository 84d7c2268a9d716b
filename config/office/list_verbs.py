"""What may be done with any list as its address asks for it: export it, and save it as a view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.declarations import Role
from config.office.display import Cell, Facts, Part, Text, linked
from config.office.export_rules import KEPT_FOR, MOST_ROWS, MOST_WAITING, ExportNotStarted, ExportRefusal, is_too_large
from config.office.exports import RIGHT, get_export_refusal, request_export, waiting_export
from config.office.models import ListExport, SavedView
from config.office.saved_views import LONGEST_NAME, MOST_OF_A_LIST, ViewNotSaved, ViewRefusal, save_view
from config.office.verbs import Asked, Verb, VerbForm, choice_field, text_field
from config.office.words import Words

EXPORT_REFUSALS: Final[Mapping[ExportRefusal, Words]] = {
    ExportRefusal.NO_DIRECTORY: _("No directory for files is set (UPLOADS_DIR): lists cannot be exported."),
    ExportRefusal.TOO_LONG: _("The filters and the search are too long to be kept."),
    ExportRefusal.TOO_MANY_ROWS: _("At most %(most)s rows fit into one file: narrow the list first.")
    % {"most": f"{MOST_ROWS:,}"},
    ExportRefusal.WAITS_ALREADY: _("You have asked for exactly this: it is being written."),
    ExportRefusal.TOO_MANY_WAIT: _("%(most)s of your exports wait or are being written: wait for one of them.")
    % {"most": MOST_WAITING},
}
VIEW_REFUSALS: Final[Mapping[ViewRefusal, Words]] = {
    ViewRefusal.NOTHING_CHOSEN: _("There is nothing to save: filter, search or sort the list first."),
    ViewRefusal.TOO_LONG: _("The filters and the search are too long to be kept."),
    ViewRefusal.NAME_UNREADABLE: _(
        "A name needs a letter or a digit, and no characters that nobody sees, as line breaks or blanks of no width."
    ),
    ViewRefusal.MAY_NOT_SHARE: _("Your role may not share views: save it for yourself."),
    ViewRefusal.ROLE_SEES_NOT: _("This role does not see the list."),
    ViewRefusal.NAME_TAKEN: _("You have a view of this list with this name: choose another."),
    ViewRefusal.TOO_MANY: _("You have %(most)s views of this list: remove one first.") % {"most": MOST_OF_A_LIST},
    ViewRefusal.NOT_OWN: _("This view is somebody else's."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A list as an address asks for it.

    listed: its model's label. query: normal. url: the list with it. said: what it asks for. rows: how many match, no
    further than to one more than fit into a file; 0 where nobody asks. unsorted_by: the column that cannot sort so
    many. seen_by: the roles that see the list. may_share: whether whoever asks may share a view.
    """

    listed: str
    title: Words
    query: str
    url: str
    said: Sequence[tuple[Words, Words]]
    rows: int
    unsorted_by: Words
    seen_by: Sequence[Role]
    may_share: bool

    @property
    def link(self) -> Cell:
        """The list's name, linked to it."""
        return Cell(text=self.title, link=self.url)


class SaveForm(VerbForm):
    """The name of a view, and with whom it is shared. Its fields are called as no filter is."""

    view_name = text_field(_("Name"), longest=LONGEST_NAME)
    share_with = choice_field(
        _("Share with"),
        coerce=Role,
        required=False,
        empty_value=None,
        help_text=_("Everybody with this role finds it above the list, too."),
    )

    def prepare(self) -> None:
        if not self.row.may_share:
            del self.fields["share_with"]
            return
        roles = [(role.value, role.value) for role in self.row.seen_by]
        self.fields["share_with"].choices = [("", _("Nobody: only I see it")), *roles]  # type: ignore[attr-defined]


def _about_export(wanted: Wanted, asked: Asked) -> list[Part]:
    rows = _t("more than %(most)s") % {"most": f"{MOST_ROWS:,}"} if is_too_large(wanted.rows) else f"{wanted.rows:,}"
    chosen = wanted.said or [(_("Filters"), _("none: all of the list"))]
    parts: list[Part] = [Facts([*chosen, (_("Rows"), rows)])]
    same = waiting_export(listed=wanted.listed, query=wanted.query, actor=asked.actor)
    if same is not None:
        parts.append(Facts([(_("Being written"), linked(same, _t("Follow its progress")))]))
    if wanted.unsorted_by:
        words = _t("Not sorted by “%(column)s”: the list is too long for that.") % {"column": wanted.unsorted_by}
        parts.append(Text(words, "tl-note"))
    return parts


def _why_no_export(wanted: Wanted, asked: Asked) -> Words | None:
    refusal = get_export_refusal(listed=wanted.listed, query=wanted.query, rows=wanted.rows, actor=asked.actor)
    return None if refusal is None else EXPORT_REFUSALS[refusal]


def _export(wanted: Wanted, asked: Asked) -> ListExport:
    return request_export(listed=wanted.listed, query=wanted.query, rows=wanted.rows, actor=asked.actor, now=asked.now)


def _save(wanted: Wanted, asked: Asked) -> SavedView:
    return save_view(
        listed=wanted.listed,
        name=asked.data["view_name"],
        query=wanted.query,
        role=asked.data.get("share_with"),
        seen_by=wanted.seen_by,
        user=asked.user,
        now=asked.now,
    )


EXPORT: Final = Verb(
    name="export",
    label=_("Export"),
    right=RIGHT,
    note=_(
        "A worker writes the rows into a CSV file for spreadsheets, as the list shows them to you, as of the moment it "
        "begins. At most %(most)s rows fit. Only you can download the file, for %(hours)s hours; that you exported the "
        "list, and each download, is kept in the audit trail."
    )
    % {"most": f"{MOST_ROWS:,}", "hours": KEPT_FOR // timedelta(hours=1)},
    about=_about_export,
    why_not=_why_no_export,
    call=_export,
    done=_("The file is being written: follow its progress here."),
    refusals={ExportNotStarted: EXPORT_REFUSALS},
    is_primary=True,
)
SAVE: Final = Verb(
    name="save_view",
    label=_("Save this view"),
    right="office.add_savedview",
    form=SaveForm,
    note=_("The filters, the search and the order are kept under a name; which rows they list is looked up each time."),
    about=lambda wanted, _asked: [Facts(wanted.said)],
    why_not=lambda wanted, _asked: None if wanted.query else VIEW_REFUSALS[ViewRefusal.NOTHING_CHOSEN],
    call=_save,
    done=_("The view is saved."),
    refusals={ViewNotSaved: VIEW_REFUSALS},
)
LIST_VERBS: Final[Sequence[Verb]] = (EXPORT, SAVE)
