"""Save ways of looking at lists, share them with a role, and remove them."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import User

from config.db.locking import lock_name
from config.db.transactions import operation
from config.declarations import Role
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor, actor_of
from config.office.events import record_event
from config.office.lists import LONGEST_QUERY
from config.office.models import SavedView
from config.office.roles import ROLES

SHARE: Final = "office.share_savedview"
REMOVE_SHARED: Final = "office.remove_savedview"
MOST_OF_A_LIST: Final = 20
"""Of one person: more would not be found again above the list."""
LONGEST_NAME: Final = 60


class ViewRefusal(StrEnum):
    """Why a view is not saved, or not removed; the first that applies counts."""

    NOTHING_CHOSEN = "NOTHING_CHOSEN"
    TOO_LONG = "TOO_LONG"
    NAME_UNREADABLE = "NAME_UNREADABLE"
    MAY_NOT_SHARE = "MAY_NOT_SHARE"
    ROLE_SEES_NOT = "ROLE_SEES_NOT"
    NAME_TAKEN = "NAME_TAKEN"
    TOO_MANY = "TOO_MANY"
    NOT_OWN = "NOT_OWN"


class ViewNotSaved(Refused[ViewRefusal]):
    """The view is not saved."""


class ViewNotRemoved(Refused[ViewRefusal]):
    """The view stays."""


def roles_that_see(rights: Iterable[str]) -> list[Role]:
    """Return the roles whose members may see a list; rights: any of these opens it."""
    wanted = set(rights)
    return [role for role in Role if ROLES[role] & wanted]


def is_readable(name: str) -> bool:
    """Decide whether people can read a name and tell it from another: nothing unseen, and a letter or digit."""
    return name.isprintable() and any(letter.isalnum() for letter in name)


def judge_saving(
    *, query: str, role: Role | None, may_share: bool, seen_by: Iterable[Role], names: Iterable[str], name: str
) -> ViewRefusal | None:
    """Decide whether a view is saved. seen_by: the roles that see the list; names: of one's other views of it."""
    taken = set(names)
    holds = {
        ViewRefusal.NOTHING_CHOSEN: not query,
        ViewRefusal.TOO_LONG: len(query) > LONGEST_QUERY,
        ViewRefusal.NAME_UNREADABLE: not is_readable(name),
        ViewRefusal.MAY_NOT_SHARE: role is not None and not may_share,
        ViewRefusal.ROLE_SEES_NOT: role is not None and role not in set(seen_by),
        ViewRefusal.NAME_TAKEN: name in taken,
        ViewRefusal.TOO_MANY: len(taken) >= MOST_OF_A_LIST,
    }
    return first_of(holds)


def judge_removal(*, is_own: bool, is_shared: bool, may_remove_shared: bool) -> ViewRefusal | None:
    """Decide whether somebody may remove a view: its owner, and of a shared one whoever may remove those."""
    return first_of({ViewRefusal.NOT_OWN: not is_own and not (is_shared and may_remove_shared)})


def get_removal_refusal(view: SavedView, *, user: User) -> ViewRefusal | None:
    """Decide whether somebody may remove a view."""
    return judge_removal(
        is_own=view.owner == str(actor_of(user)),
        is_shared=bool(view.shared_with),
        may_remove_shared=user.has_perm(REMOVE_SHARED),
    )


def save_view(
    *, listed: str, name: str, query: str, role: Role | None, seen_by: Iterable[Role], user: User, now: datetime
) -> SavedView:
    """Save a list's normal query under a name, and share it with a role. Raises ViewNotSaved."""
    actor = actor_of(user)
    with operation():
        lock_name("office.save_view", str(actor))
        names = SavedView.objects.filter(listed=listed, owner=str(actor)).values_list("name", flat=True)
        may_share = user.has_perm(SHARE)
        refusal = judge_saving(query=query, role=role, may_share=may_share, seen_by=seen_by, names=names, name=name)
        if refusal is not None:
            raise ViewNotSaved(refusal)
        view = SavedView.objects.create(
            listed=listed, name=name, query=query, owner=str(actor), shared_with=role or "", created_at=now
        )
        if role is not None:
            _record("office.share_view", view, actor=actor, now=now)
        return view


def remove_view(*, view_id: int, user: User, now: datetime) -> SavedView:
    """Remove a view, and return what it was. Raises ViewNotRemoved, SavedView.DoesNotExist."""
    with operation():
        view = SavedView.objects.filter(pk=view_id).lock().get()
        refusal = get_removal_refusal(view, user=user)
        if refusal is not None:
            raise ViewNotRemoved(refusal)
        if view.shared_with:
            _record("office.remove_shared_view", view, actor=actor_of(user), now=now)
        SavedView.objects.filter(pk=view_id).delete()
        return view


def _record(name: str, view: SavedView, *, actor: Actor, now: datetime) -> None:
    # Not its name or query: either may have somebody's name in it.
    told = {"list": view.listed, "role": view.shared_with}
    removed = name.startswith("office.remove")
    record_event(
        name=name, subject=view, actor=actor, before=told if removed else {}, after={} if removed else told, now=now
    )
