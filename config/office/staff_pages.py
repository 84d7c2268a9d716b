"""Office pages of staff and roles: accounts are made here, and changed by verbs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from config.declarations import Role
from config.office.display import Alert, Card, Column, Facts, Page, Table, Text, chip, linked
from config.office.lists import Filter, ListColumn, Search
from config.office.pages import OfficeAdmin
from config.office.roles import ROLES, clashing
from config.office.staff import (
    AccountNotChanged,
    AccountRefusal,
    NameTaken,
    RoleNotChanged,
    RoleRefusal,
    create_account,
    get_account_refusal,
    get_role_refusal,
    give_role,
    role_act,
    roles_of,
    set_activity,
    set_password,
    take_role,
)
from config.office.verbs import Asked, Effects, Verb, VerbForm, choice_field, refused_by, text_field
from config.office.words import Words

for model in (User, Group):  # Django's own pages: they would change accounts without a trace
    if admin.site.is_registered(model):
        admin.site.unregister(model)

ROLE_REFUSALS: Final = {
    RoleRefusal.HAS_IT: _("The account has this role already."),
    RoleRefusal.HAS_IT_NOT: _("The account does not have this role."),
    RoleRefusal.OWN_ACCOUNT: _("Nobody gives a role to their own account."),
    RoleRefusal.PASSWORD_KNOWN: _(
        "Somebody else knows its password: its owner has to sign in and change it first, from the menu of their name."
    ),
    RoleRefusal.BOTH_SIDES: _("With its other roles, the account could approve what it asks for: take one away first."),
}
ACCOUNT_REFUSALS: Final = {
    AccountRefusal.SUPERUSER: _("Superusers are kept from the command line alone."),
    AccountRefusal.OWN_ACCOUNT: _("This is your own account."),
    AccountRefusal.AS_IT_IS: _("Nothing to change."),
}
ACTIVE: Final = (_("Active"), "tl-ok")
INACTIVE: Final = (_("Cannot sign in"), "")
NO_ROLE: Final = _("no role yet: may do nothing")


def _password_field(label: Words) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password"})
    return forms.CharField(label=label, max_length=200, strip=False, widget=widget)


class PasswordForm(VerbForm):
    """A new password, typed twice."""

    password = _password_field(_("Password"))
    again = _password_field(_("Password again"))

    def clean_password(self) -> str:
        """Require a password that is not too easily guessed. Raises ValidationError."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self.row)
        return password

    def clean(self) -> None:
        super().clean()
        if "password" in self.cleaned_data and self.cleaned_data["password"] != self.cleaned_data.get("again"):
            self.add_error("again", _("The two passwords differ."))


class AccountForm(PasswordForm):
    """A new account."""

    field_order = ("name", "password", "again")
    name = text_field(_("Log-in"), longest=150, validators=[RegexValidator(r"^[\w.@+-]+$")])


class RoleForm(VerbForm):
    """A role to be given."""

    role = choice_field(_("Role"), coerce=Role, choices=[(role.value, role.value) for role in Role])


class TakeForm(RoleForm):
    """A role that the account has."""

    def prepare(self) -> None:
        self.fields["role"].choices = [(role.value, role.value) for role in sorted(roles_of(self.row))]  # type: ignore[attr-defined]


def _role_effects(user: User, asked: Asked) -> Effects:
    role = asked.data["role"]
    refusal = get_role_refusal(user, role, people=[asked.actor])
    if refusal is not None:
        return Effects(refusal=ROLE_REFUSALS[refusal])
    may, sees = may_words()[role]
    return Effects(parts=[Facts([(_("May then"), may or None), (_("Sees then"), sees or None)])])


def _activity(name: str, label: Words, done: Words, *, active: bool) -> Verb:
    return Verb(
        name=name,
        label=label,
        right="auth.change_user",
        call=lambda user, asked: set_activity(user_id=user.pk, active=active, actor=asked.actor, now=asked.now),
        done=done,
        refusals={AccountNotChanged: ACCOUNT_REFUSALS},
        offered=lambda user: user.is_active is not active,
        why_not=refused_by(
            lambda user, asked: get_account_refusal(user, active=active, actor=asked.actor), ACCOUNT_REFUSALS
        ),
    )


NEW: Final = Verb(
    name="new",
    label=_("Add an account"),
    right="auth.add_user",
    form=AccountForm,
    note=_(
        "It may do nothing until its owner has signed in and changed the password, and a role is given to it, which a "
        "controller has to approve."
    ),
    call=lambda _row, asked: create_account(
        name=asked.data["name"], password=asked.data["password"], role=None, actor=asked.actor, now=asked.now
    ),
    done=_("The account is created. Its owner signs in and changes the password; then give it a role."),
    refusals={NameTaken: _("There is an account with this log-in.")},
    is_primary=True,
)
VERBS: Final = (
    Verb(
        name="give",
        label=_("Give a role"),
        right="office.grant_role",
        form=RoleForm,
        effects=_role_effects,
        act=lambda user, asked: role_act(user, asked.data["role"]),
        call=lambda user, asked: give_role(
            user_id=user.pk, role=asked.data["role"], actor=asked.actor, now=asked.now, approval=asked.approval
        ),
        done=_("The role is given."),
        refusals={RoleNotChanged: ROLE_REFUSALS},
        is_primary=True,
    ),
    Verb(
        name="take",
        label=_("Take a role away"),
        right="office.grant_role",
        form=TakeForm,
        call=lambda user, asked: take_role(user_id=user.pk, role=asked.data["role"], actor=asked.actor, now=asked.now),
        done=_("The role is taken away."),
        refusals={RoleNotChanged: ROLE_REFUSALS},
        why_not=lambda user, _asked: None if roles_of(user) else ROLE_REFUSALS[RoleRefusal.HAS_IT_NOT],
    ),
    Verb(
        name="password",
        label=_("Set a password"),
        right="auth.change_user",
        form=PasswordForm,
        note=_(
            "Whoever sets a password could sign in with it: the account loses its roles, and gets them again as a new "
            "one does. Staff change their own passwords, and keep their roles, from the menu of their name."
        ),
        call=lambda user, asked: set_password(
            user_id=user.pk, password=asked.data["password"], actor=asked.actor, now=asked.now
        ),
        done=_("The password is set. The account has no role now."),
        refusals={AccountNotChanged: ACCOUNT_REFUSALS},
        why_not=refused_by(
            lambda user, asked: get_account_refusal(user, active=None, actor=asked.actor), ACCOUNT_REFUSALS
        ),
    ),
    _activity("deactivate", _("Deactivate"), _("The account can no longer sign in."), active=False),
    _activity("reactivate", _("Reactivate"), _("The account can sign in again."), active=True),
)


def may_words() -> Mapping[Role, tuple[str, str]]:
    """Return for each role what it does and what it sees, by the names of the permissions."""
    known = Permission.objects.values_list("content_type__app_label", "codename", "name")
    names = {f"{app}.{codename}": name.removeprefix("Can ") for app, codename, name in known}
    found = {}
    for role, rights in ROLES.items():
        words = sorted(names[right] for right in rights)
        does = [word for word in words if not word.startswith("view ")]
        sees = [word.removeprefix("view ") for word in words if word.startswith("view ")]
        found[role] = (", ".join(does), ", ".join(sees))
    return found


def _roles(user: User) -> Words:
    return ", ".join(sorted(group.name for group in user.groups.all())) or NO_ROLE


def _by_role(rows: QuerySet[User], name: str) -> QuerySet[User]:
    return rows.filter(groups__name=name)


@admin.register(User)
class UserAdmin(OfficeAdmin[User]):
    """Staff accounts; none is deleted, as the audit trail names them."""

    title = _("Staff")
    list_key = "pk"
    columns = (
        ListColumn(label=_("Log-in"), cell=lambda user: user.username),
        ListColumn(label=_("Roles"), cell=_roles),
        ListColumn(label=_("State"), cell=lambda user: chip(*(ACTIVE if user.is_active else INACTIVE))),
        ListColumn(label=_("Last signed in, UTC"), cell=lambda user: user.last_login, style="tl-nowrap"),
    )
    filters = (
        Filter(
            name="role",
            label=_("role"),
            choices=lambda: [(role.value, role.value) for role in Role],
            keep=_by_role,
        ),
    )
    search = Search(help=_("Log-in"), keep=lambda rows, term: rows.filter(username__icontains=term))
    verbs = VERBS
    list_verbs = (NEW,)

    def rows(self) -> QuerySet[User]:
        return User.objects.prefetch_related("groups")

    def page_of(self, row: User, request: HttpRequest) -> Page:
        roles = roles_of(row)
        words = may_words()
        rights = [[role.value, *words[role]] for role in sorted(roles)]
        alerts = [Alert(tint="tl-bad", text=_("A superuser may do everything, whatever its roles."))]
        columns = [Column(label=_("Role"), style="tl-nowrap"), Column(label=_("May")), Column(label=_("Sees"))]
        facts = [(_("Added, UTC"), row.date_joined), (_("Last signed in, UTC"), row.last_login)]
        return Page(
            title=row.username,
            chips=[chip(*(ACTIVE if row.is_active else INACTIVE))],
            alerts=alerts if row.is_superuser else [],
            cards=[
                Card(title=_("Roles"), parts=[Table(columns=columns, rows=rights, empty=NO_ROLE)], span=8),
                Card(title=_("Account"), parts=[Facts(facts)], span=4),
            ],
        )


@admin.register(Group)
class GroupAdmin(OfficeAdmin[Group]):
    """Roles with their rights, as declared in code."""

    title = _("Roles")

    list_key = "pk"
    columns = (
        ListColumn(label=_("Role"), cell=lambda row: row[0].name, style="tl-nowrap"),
        ListColumn(label=_("May"), cell=lambda row: row[1] or None),
        ListColumn(label=_("Sees"), cell=lambda row: row[2] or None),
    )

    def prepare(self, rows: list[Group]) -> Sequence[Any]:
        words = may_words()
        return [(group, *words.get(Role(group.name), ("", ""))) for group in rows]

    def page_of(self, row: Group, request: HttpRequest) -> Page:
        people = [[linked(user, user.username)] for user in row.user_set.order_by("username")]
        may, sees = may_words()[Role(row.name)]
        others = [role.value for role in Role if row.name in clashing([Role(row.name), role])]
        return Page(
            title=row.name,
            cards=[
                Card(title=_("Rights"), parts=[Facts([(_("May"), may or None), (_("Sees"), sees or None)])], span=8),
                Card(
                    title=_("Who has it"),
                    parts=[Table(columns=[Column(label=_("Log-in"))], rows=people, empty=_("Nobody yet."))],
                    span=4,
                ),
                Card(
                    title=_("Not together with"),
                    parts=[
                        Text(", ".join(others) or _("It goes with every other role.")),
                        Text(_("Of two such roles, one asks for what the other approves."), "tl-note"),
                    ],
                    span=8,
                ),
            ],
        )
