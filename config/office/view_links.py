"""The saved views above a list."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _t

from config.office.actors import actor_of
from config.office.models import SavedView
from config.office.saved_views import get_removal_refusal
from config.office.words import Words

Names = Callable[[Iterable[str | None]], Mapping[str | None, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLink:
    """A saved view above its list.

    role: with which it is shared; by: who shares it, "" for one's own; remove: where it is removed, if one may.
    """

    name: str
    url: str
    role: str
    by: Words
    is_current: bool
    remove: str | None


def view_links(listed: str, address: str, user: User, *, current: str, names: Names) -> list[ViewLink]:
    """Return somebody's views of a list, their own first. current: what the list shows now; names: names actors.

    In one query, and one for the names where others share some.
    """
    own = str(actor_of(user))
    views = list(SavedView.objects.for_user(user).filter(listed=listed))
    others = names(view.owner for view in views if view.owner != own)
    return [
        ViewLink(
            name=view.name,
            url=f"{address}?{view.query}",
            role=view.shared_with,
            by=_t("Shared by %(who)s") % {"who": others[view.owner]} if view.owner != own else "",
            is_current=view.query == current,
            remove=None
            if get_removal_refusal(view, user=user)
            else reverse("admin:office_savedview_remove", args=[view.pk]),
        )
        for view in sorted(views, key=lambda view: (view.owner != own, view.shared_with, view.name, view.pk))
    ]
