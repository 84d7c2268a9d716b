"""Accounts of staff: made without a role, given one by two people, and taken over by nobody."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import Actor
from config.office.approvals import NotApproved
from config.office.models import OperationEvent
from config.office.roles import clashing
from config.office.staff import (
    AccountRefusal,
    RoleNotChanged,
    RoleRefusal,
    give_role,
    role_act,
    roles_of,
    set_password,
    take_role,
)
from config.office.staff_pages import ACCOUNT_REFUSALS, ROLE_REFUSALS
from config.office.verbs import ASKED
from tests.approvals import approve_open, approved
from tests.conftest import CLERK, NOW, make_user

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD, OTHER = "correct-horse-battery", "staple-of-the-stable"


def post(client: Client, user: User, verb: str, **fields: str) -> Any:  # noqa: ANN401
    address = reverse(f"admin:auth_user_{verb}", args=[user.pk])
    return client.post(address, {**fields, "step": "confirm"}, follow=True)


def change_password(user: User, old: str, new: str) -> None:
    """Let the owner of an account change its password, as on the page for it."""
    client = Client()
    assert client.login(username=user.username, password=old)
    sent = {"old_password": old, "new_password1": new, "new_password2": new}
    assert client.post(reverse("admin:password_change"), sent).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200, "still signed in"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user("admin", Role.ADMINISTRATOR))
    return client


def test_a_new_account_may_nothing_until_two_people_gave_it_a_role(admin: Client) -> None:
    sent = {"name": "mei", "password": PASSWORD, "again": PASSWORD}
    page = admin.post(reverse("admin:auth_user_new"), sent, follow=True)
    assertContains(page, "no role yet")
    mei = User.objects.get(username="mei")
    assert (mei.is_staff, mei.is_superuser, mei.check_password(PASSWORD), roles_of(mei)) == (
        True, False, True, frozenset(),
    )  # fmt: skip
    known = ROLE_REFUSALS[RoleRefusal.PASSWORD_KNOWN]
    assertContains(post(admin, mei, "give", role=Role.FINANCE), known)
    same = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    owner = Client()
    owner.login(username="mei", password=PASSWORD)
    assertContains(owner.post(reverse("admin:password_change"), same), "choose another")
    assertContains(post(admin, mei, "give", role=Role.FINANCE), known)
    change_password(mei, PASSWORD, OTHER)
    assertContains(post(admin, mei, "give", role=Role.FINANCE), ASKED)
    assert roles_of(mei) == frozenset()
    approve_open()
    assert roles_of(mei) == {Role.FINANCE}
    event = OperationEvent.objects.get(name="office.change_roles")
    assert (event.before, event.after) == ({"roles": ""}, {"roles": "Finance"})
    taken = admin.post(reverse("admin:auth_user_new"), sent)
    assertContains(taken, "There is an account with this log-in.")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "12345678"}, "too common"),
        ({"again": "other"}, "The two passwords differ."),
        ({"name": "a b"}, "Enter a valid value."),
    ],
)
def test_a_bad_account_is_refused(admin: Client, fields: dict[str, str], words: str) -> None:
    sent = {"name": "mei", "password": PASSWORD, "again": PASSWORD, **fields}
    assertContains(admin.post(reverse("admin:auth_user_new"), sent), words)
    assert not User.objects.filter(username__in=["mei", "a b"]).exists()


def test_who_could_approve_what_they_ask_for_is_not_made() -> None:
    """Red if a role were judged without those that the account has."""
    make_user("clerk")  # the first account, who asks
    user = make_user("mei", Role.FINANCE)
    with pytest.raises(RoleNotChanged, match="BOTH_SIDES"):
        give_role(user_id=user.pk, role=Role.CONTROLLER, actor=CLERK, now=NOW)
    with pytest.raises(NotApproved, match="MISSING"):
        give_role(user_id=user.pk, role=Role.VIEWER, actor=CLERK, now=NOW)
    take_role(user_id=user.pk, role=Role.FINANCE, actor=CLERK, now=NOW)
    with pytest.raises(NotApproved, match="MISSING"):
        give_role(user_id=user.pk, role=Role.CONTROLLER, actor=CLERK, now=NOW)
    assert clashing([Role.VIEWER, Role.AUDITOR]) == frozenset()


def test_a_change_of_roles_says_which_stood_before() -> None:
    """Red if what stood before were told as nothing, or read once the new roles are set."""
    make_user("clerk")  # the first account, who asks
    user = make_user("mei", Role.FINANCE)

    def told() -> tuple[object, object]:
        event = OperationEvent.objects.filter(name="office.change_roles").latest("pk")
        return event.before, event.after

    approval = approved(role_act(user, Role.VIEWER))
    give_role(user_id=user.pk, role=Role.VIEWER, actor=CLERK, now=NOW, approval=approval)
    assert told() == ({"roles": "Finance"}, {"roles": "Finance, Viewer"})
    take_role(user_id=user.pk, role=Role.FINANCE, actor=CLERK, now=NOW)
    assert told() == ({"roles": "Finance, Viewer"}, {"roles": "Viewer"})
    set_password(user_id=user.pk, password=PASSWORD, actor=CLERK, now=NOW)
    assert told() == ({"roles": "Viewer"}, {"roles": ""})
    assert OperationEvent.objects.filter(name="office.change_roles").count() == 3


def test_nobody_approves_a_role_of_their_own() -> None:
    user = make_user("mei", Role.CONTROLLER)
    asker = Actor.of_staff(make_user("admin", Role.ADMINISTRATOR).pk)
    approval = approved(role_act(user, Role.VIEWER), actor=asker, by=Actor.of_staff(user.pk))
    with pytest.raises(RoleNotChanged, match="OWN_ACCOUNT"):
        give_role(user_id=user.pk, role=Role.VIEWER, actor=asker, now=NOW, approval=approval)


def test_an_administrator_takes_no_account_over(admin: Client) -> None:
    """Red if an account kept its roles under a password that somebody else knows."""
    user = make_user("mei", Role.FINANCE)
    page = post(admin, user, "password", password=PASSWORD, again=PASSWORD)
    assertContains(page, "The password is set.")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert roles_of(user) == frozenset()


def test_an_administrator_touches_neither_a_superuser_nor_itself(admin: Client) -> None:
    root = User.objects.create_superuser("root", password="a-long-password-of-root")  # noqa: S106
    own = User.objects.get(username="admin")
    for user, refusal in ((root, AccountRefusal.SUPERUSER), (own, AccountRefusal.OWN_ACCOUNT)):
        for verb in ("password", "deactivate"):
            page = post(admin, user, verb, password=PASSWORD, again=PASSWORD)
            assertContains(page, ACCOUNT_REFUSALS[refusal])
    page = post(admin, own, "give", role=Role.VIEWER)
    assertContains(page, ROLE_REFUSALS[RoleRefusal.OWN_ACCOUNT])
    assert root.check_password("a-long-password-of-root")


def test_an_account_is_deactivated_and_comes_back(admin: Client) -> None:
    user = make_user("mei", Role.VIEWER)
    assertContains(post(admin, user, "deactivate"), "Cannot sign in")
    assert not Client().login(username="mei", password=PASSWORD)
    assertContains(post(admin, user, "reactivate"), "Active")
    assertContains(post(admin, user, "take", role=Role.VIEWER), "no role yet")


def test_the_first_accounts_come_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda: PASSWORD)
    call_command("create_account", "first", "--password-from-stdin")
    call_command("create_account", "second", "--role", "Controller", "--password-from-stdin")
    assert list(User.objects.order_by("pk").values_list("groups__name", flat=True)) == ["Administrator", "Controller"]
    with pytest.raises(CommandError, match="already"):
        call_command("create_account", "first", "--password-from-stdin")
    assert Group.objects.filter(name="Auditor").exists()
