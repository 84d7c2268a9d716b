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
from config.office.list_names import list_address, list_facts, list_words
from config.office.list_verbs import VIEW_REFUSALS
from config.office.lists import ListColumn
from config.office.models import SavedView
from config.office.pages import OfficeAdmin, name_of, named
from config.office.saved_views import REMOVE_SHARED, ViewNotRemoved, get_removal_refusal, remove_view
from config.office.verbs import Step, Verb, refused_by

REMOVE: Final = Verb(
    name="remove",
    label=_("Remove the view"),
    right="office.view_savedview",
    note=_("The list and its rows stay as they are. Whoever it is shared with does not find it any more."),
    about=lambda view, _asked: [Facts([(_("View"), view.name), *list_facts(view.listed, view.query)])],
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
    """A person's own views and those shared with a role of theirs; whoever may remove shared ones sees all of these."""

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
        return self.shown_to(user, self.rows()).filter(pk=row.pk).exists()

    def prepare(self, rows: list[SavedView]) -> Sequence[Any]:
        names = named(view.owner for view in rows)
        return [Named(view, names[view.owner]) for view in rows]

    def after(self, row: SavedView | None, step: Step) -> str:
        """Return the list that the view was of."""
        address = None if row is None else list_address(row.listed)
        return address or reverse("admin:office_savedview_changelist")

    def page_of(self, row: SavedView, request: HttpRequest) -> Page:
        saved = {"at": f"{row.created_at:%Y-%m-%d %H:%M}", "who": name_of(row.owner)}
        address = list_address(row.listed)
        opens = [] if address is None else [Button(label=_("Open the list"), url=f"{address}?{row.query}")]
        return Page(
            title=row.name,
            sub=[
                list_words(row.listed),
                _t("shared with %(role)s") % {"role": row.shared_with} if row.shared_with else _t("not shared"),
                _t("saved %(at)s UTC by %(who)s") % saved,
            ],
            buttons=opens,
            cards=[Card(title=_("What it lists"), parts=[Facts(list_facts(row.listed, row.query))])],
        )
