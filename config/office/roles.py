"""What each role may do: read from the apps' declarations, not from rows.

The groups exist by migration; no database can lack a right that a new verb needs, and no administrator can widen a
role by a click.
"""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Model

from config.declarations import Role

ROLES: dict[Role, frozenset[str]] = {
    role: frozenset(right for right, roles in settings.DECLARED.rights.items() if role in roles) for role in Role
}


class RolesClash(Exception):
    """Two roles are not for one account: one asks for what the other approves."""


def clashing(roles: Iterable[Role]) -> frozenset[Role]:
    """Return those of some roles that no one account may have together, as they hold both sides of a verb."""
    held = {role: ROLES[role] for role in roles}
    return frozenset(
        role
        for asks, approves in settings.DECLARED.approvals.items()
        for asking in (role for role, rights in held.items() if asks in rights)
        for approving in (role for role, rights in held.items() if approves in rights)
        for role in (asking, approving)
    )


class RoleBackend:
    """A backend that answers Django's questions about permissions from the table above."""

    def authenticate(self, _request: object, **_credentials: object) -> None:
        """Leave signing in to Django's own backend."""

    def get_user(self, _user_id: int) -> User | None:
        """Leave loading to Django's own backend."""
        return None

    def has_perm(self, user: AbstractBaseUser | AnonymousUser, perm: str, _obj: Model | None = None) -> bool:
        return perm in _rights_of(user)

    def has_module_perms(self, user: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        return any(right.startswith(f"{app_label}.") for right in _rights_of(user))


def authority_of(user: User) -> frozenset[str]:
    """Return the roles somebody has, and all that these may do: what is shown to whom depends on nothing else."""
    if user.is_superuser and user.is_active:
        return frozenset({*Role, *settings.DECLARED.rights})
    names = user.groups.values_list("name", flat=True)
    return frozenset(names) | _rights_of(user)


def _rights_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    rights: frozenset[str] | None = getattr(user, "_tradeline_rights", None)
    if rights is None:  # once a request, as each loads the user again
        names = set(user.groups.values_list("name", flat=True))
        rights = frozenset[str]().union(*(rights for role, rights in ROLES.items() if role in names))
        user._tradeline_rights = rights  # type: ignore[attr-defined] # noqa: SLF001
    return rights
