"""Create accounts of staff, and give and take their roles."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.models import Group, User

from config.db.locking import lock_rows
from config.db.transactions import operation
from config.declarations import Role
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event, subject_of
from config.office.models import OperationEvent
from config.office.roles import clashing

CREATED, PASSWORD_SET = "office.create_account", "office.set_password"
PASSWORD_CHANGED = "office.change_own_password"  # noqa: S105 - a name of events


class NameTaken(Exception):
    """There is an account with this name."""


class RoleRefusal(StrEnum):
    """Why a role is not given or taken; the first that applies counts."""

    HAS_IT = "HAS_IT"
    HAS_IT_NOT = "HAS_IT_NOT"
    OWN_ACCOUNT = "OWN_ACCOUNT"
    BOTH_SIDES = "BOTH_SIDES"
    PASSWORD_KNOWN = "PASSWORD_KNOWN"  # noqa: S105 - no password


class RoleNotChanged(Refused[RoleRefusal]):
    """The role was not given, or not taken away."""


class AccountRefusal(StrEnum):
    """Why an account is not changed; the first that applies counts."""

    SUPERUSER = "SUPERUSER"
    OWN_ACCOUNT = "OWN_ACCOUNT"
    AS_IT_IS = "AS_IT_IS"


class AccountNotChanged(Refused[AccountRefusal]):
    """The account stays as it is."""


def create_account(*, name: str, password: str, role: Role | None, actor: Actor, now: datetime) -> User:
    """Create an account, from the command line with a role; never a superuser. Raises NameTaken."""
    with operation():
        if User.objects.filter(username=name).exists():
            raise NameTaken
        user = User.objects.create_user(name, password=password, is_staff=True)
        user.groups.set(Group.objects.filter(name=role))
        record_event(
            name=CREATED,
            subject=user,
            actor=actor,
            before={},
            after={"name": name, "roles": role or ""},
            now=now,
        )
        return user


def role_act(user: User, role: Role) -> Act:
    """Return what a second person has to approve before an account has a role."""
    return Act(operation="office.give_role", subject=user, arguments={"role": role.value})


def give_role(*, user_id: int, role: Role, actor: Actor, now: datetime, approval: Approval | None = None) -> User:
    """Give a role to an account. Raises RoleNotChanged, NotApproved, Contended, User.DoesNotExist."""
    with operation():
        user = _lock_account(user_id)
        people = [actor] if approval is None else [actor, approval.by]
        refusal = get_role_refusal(user, role, people=people)
        if refusal is not None:
            raise RoleNotChanged(refusal)
        require_approval(role_act(user, role), approval, actor=actor, now=now)
        _set_roles(user, roles_of(user) | {role}, actor=actor, now=now)
        return user


def take_role(*, user_id: int, role: Role, actor: Actor, now: datetime) -> User:
    """Take a role from an account, which one person may do alone. Raises RoleNotChanged, User.DoesNotExist."""
    with operation():
        user = _lock_account(user_id)
        if role not in roles_of(user):
            raise RoleNotChanged(RoleRefusal.HAS_IT_NOT)
        _set_roles(user, roles_of(user) - {role}, actor=actor, now=now)
        return user


def set_password(*, user_id: int, password: str, actor: Actor, now: datetime) -> User:
    """Set another's password, and take its roles away: whoever set it could sign in as that person.

    Raises AccountNotChanged, User.DoesNotExist.
    """
    with operation():
        user = _lock_account(user_id)
        refusal = get_account_refusal(user, active=None, actor=actor)
        if refusal is not None:
            raise AccountNotChanged(refusal)
        user.set_password(password)
        user.save(update_fields=["password"])
        record_event(name=PASSWORD_SET, subject=user, actor=actor, before={}, after={}, now=now)
        _set_roles(user, frozenset(), actor=actor, now=now)
        return user


def change_own_password(user: User, password: str, *, now: datetime) -> None:
    """Set the password of whoever is signed in, which nobody else knows then."""
    with operation():
        user.set_password(password)
        user.save(update_fields=["password"])
        record_event(name=PASSWORD_CHANGED, subject=user, actor=Actor.of_staff(user.pk), before={}, after={}, now=now)


def set_activity(*, user_id: int, active: bool, actor: Actor, now: datetime) -> User:
    """Deactivate an account, or let it sign in again. Raises AccountNotChanged, User.DoesNotExist."""
    with operation():
        user = _lock_account(user_id)
        refusal = get_account_refusal(user, active=active, actor=actor)
        if refusal is not None:
            raise AccountNotChanged(refusal)
        user.is_active = active
        user.save(update_fields=["is_active"])
        record_event(
            name="office.change_account",
            subject=user,
            actor=actor,
            before={"active": not active},
            after={"active": active},
            now=now,
        )
        return user


def get_account_refusal(user: User, *, active: bool | None, actor: Actor) -> AccountRefusal | None:
    """Decide whether an account may be changed; active: what it would be, None for another password."""
    holds = {
        AccountRefusal.SUPERUSER: user.is_superuser,
        AccountRefusal.OWN_ACCOUNT: actor == Actor.of_staff(user.pk),
        AccountRefusal.AS_IT_IS: active is not None and user.is_active is active,
    }
    return first_of(holds)


def get_role_refusal(user: User, role: Role, *, people: Sequence[Actor]) -> RoleRefusal | None:
    """Decide whether an account may be given a role. people: who asks, and who approves it."""
    roles = roles_of(user)
    holds = {
        RoleRefusal.HAS_IT: role in roles,
        RoleRefusal.OWN_ACCOUNT: Actor.of_staff(user.pk) in people,
        RoleRefusal.BOTH_SIDES: role in clashing(roles | {role}),
        RoleRefusal.PASSWORD_KNOWN: _is_password_known(user),
    }
    return first_of(holds)


def _is_password_known(user: User) -> bool:
    """Tell whether somebody else set the account's password last."""
    set_by = {CREATED, PASSWORD_SET, PASSWORD_CHANGED}
    events = OperationEvent.objects.filter(subject=subject_of(user), name__in=set_by)
    last = events.order_by("-pk").values_list("name", flat=True).first()
    return last in {CREATED, PASSWORD_SET}


def roles_of(user: User) -> frozenset[Role]:
    """Return the roles of an account."""
    return frozenset(Role(name) for name in user.groups.values_list("name", flat=True) if name in set(Role))


def _lock_account(user_id: int) -> User:
    lock_rows(User, [user_id])
    return User.objects.get(pk=user_id)


def _set_roles(user: User, roles: frozenset[Role], *, actor: Actor, now: datetime) -> None:
    before = ", ".join(sorted(roles_of(user)))
    user.groups.set(Group.objects.filter(name__in=roles))
    record_event(
        name="office.change_roles",
        subject=user,
        actor=actor,
        before={"roles": before},
        after={"roles": ", ".join(sorted(roles))},
        now=now,
    )
