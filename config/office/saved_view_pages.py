"""Office pages of saved views: one's own, and those that are shared."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Button, Card, Facts, Page
from config.office.list_names import list_address, list_facts, list_words, may_view_list
from config.office.list_verbs import VIEW_REFUSALS
from config.office.lists import ListColumn
from config.office.models import SavedView
from config.office.pages import OfficeAdmin, name_of, named
from config.office.saved_views import REMOVE_SHARED, ViewNotRemoved, get_removal_refusal, remove_view
from config.office.verbs import Step, Verb, asked_by, refused_by

TRAIL: Final = "office.view_operationevent"
REMOVE: Final = Verb(
    name="remove",
    label=_("Remove the view"),
    right="office.view_savedview",
    note=_("The list and its rows stay as they are. Whoever it is shared with does not find it any more."),
    about=lambda view, asked: [Facts([(_("View"), view.name), *list_facts(view.listed, view.query, asked.user)])],
    why_not=refused_by(lambda view, asked: get_removal_refusal(view, user=asked.user), VIEW_REFUSALS),
    call=lambda view, asked: remove_view(view_id=view.pk, user=asked.user, now=asked.now),
    done=_("The view is removed."),
    refusals={
        ViewNotRemoved: VIEW_REFUSALS,
        SavedView.DoesNotExist: _("The view is removed already."),
    },
)


class Named(NamedTuple):
    """A view, and who saved it."""

    view: SavedView
    owner: str | None


@admin.register(SavedView)
class SavedViewAdmin(OfficeAdmin[SavedView]):
    """A person's own views and those shared with a role of theirs; whoever may remove shared ones sees all of these.

    The page of a shared one is also open to whoever reads of it in the audit trail.
    """

    title = _("Saved views")
    columns = (
        ListColumn(label=_("Name"), cell=lambda row: row.view.name),
        ListColumn(label=_("List"), cell=lambda row: list_words(row.view.listed)),
        ListColumn(label=_("Saved by"), cell=lambda row: row.owner),
        ListColumn(label=_("Shared with"), cell=lambda row: row.view.shared_with or None),
        ListColumn(label=_("Saved, UTC"), cell=lambda row: row.view.created_at, style="tl-nowrap"),
    )
    verbs = (REMOVE,)
    empty = _("No view is saved yet. A list that is filtered, searched or sorted has the button “Save this view”.")

    def shown_to(self, user: User, rows: QuerySet[SavedView]) -> QuerySet[SavedView]:
        own = SavedView.objects.for_user(user)
        return rows & (own | SavedView.objects.shared() if user.has_perm(REMOVE_SHARED) else own)

    def admits(self, user: User, row: SavedView) -> bool:
        # Whoever reads the audit trail follows it to what was shared; what the view asks for, its list's rights decide.
        is_told = bool(row.shared_with) and user.has_perm(TRAIL)
        return is_told or self.shown_to(user, self.rows()).filter(pk=row.pk).exists()

    def prepare(self, rows: list[SavedView]) -> Sequence[Any]:
        names = named(view.owner for view in rows)
        return [Named(view, names[view.owner]) for view in rows]

    def after(self, row: SavedView | None, step: Step) -> str:
        """Return the list that the view was of; after a shared one all views, as its list may be for others alone."""
        address = None if row is None or row.shared_with else list_address(row.listed)
        return address or reverse("admin:office_savedview_changelist")

    def page_of(self, row: SavedView, request: HttpRequest) -> Page:
        saved = {"at": f"{row.created_at:%Y-%m-%d %H:%M}", "who": name_of(row.owner)}
        address, user = list_address(row.listed), asked_by(request).user
        is_open = address is not None and may_view_list(row.listed, user)
        opens = [Button(label=_("Open the list"), url=f"{address}?{row.query}")] if is_open else []
        return Page(
            title=row.name,
            sub=[
                list_words(row.listed),
                _t("shared with %(role)s") % {"role": row.shared_with} if row.shared_with else _t("not shared"),
                _t("saved %(at)s UTC by %(who)s") % saved,
            ],
            buttons=opens,
            cards=[Card(title=_("What it lists"), parts=[Facts(list_facts(row.listed, row.query, user))])],
        )
