"""The saved views above a list."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from config.office.actors import Actor
from config.office.models import SavedView
from config.office.saved_views import get_removal_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLink:
    """A saved view above its list. role: with which it is shared; remove: where it is removed, if one may."""

    name: str
    url: str
    role: str
    is_current: bool
    remove: str | None


def view_links(listed: str, address: str, user: User, *, current: str) -> list[ViewLink]:
    """Return somebody's views of a list, their own first, in one query. current: what the list shows now."""
    own = str(Actor.of_staff(user.pk))
    views = SavedView.objects.for_user(user).filter(listed=listed)
    return [
        ViewLink(
            name=view.name,
            url=f"{address}?{view.query}",
            role=view.shared_with,
            is_current=view.query == current,
            remove=None
            if get_removal_refusal(view, user=user)
            else reverse("admin:office_savedview_remove", args=[view.pk]),
        )
        for view in sorted(views, key=lambda view: (view.owner != own, view.shared_with, view.name, view.pk))
    ]
