import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from config.declarations import Role
from config.office.roles import ROLES, RoleBackend
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


def test_every_right_that_a_role_has_exists() -> None:
    """Red for a misspelt right: it would deny without a word."""
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    assert frozenset().union(*ROLES.values()) - known == set()


def test_every_role_has_its_group_and_its_rights() -> None:
    assert set(ROLES) == set(Role)
    assert set(Group.objects.values_list("name", flat=True)) >= {role.value for role in Role}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says_and_nothing_else(role: Role) -> None:
    user, everything = make_user(role.name.lower(), role), frozenset().union(*ROLES.values())
    assert {right for right in everything if user.has_perm(right)} == ROLES[role]
    assert not user.has_perm("auth.delete_user")
    assert user.has_module_perms("merchants")
    assert user.has_module_perms("auth") is any(right.startswith("auth.") for right in ROLES[role])
    assert not user.has_module_perms("merchant")


def test_two_roles_add_up() -> None:
    user = make_user("both", Role.FINANCE, Role.RISK_MANAGER)
    assert user.get_all_permissions() == set()  # no right is a row
    assert {right for right in ROLES[Role.FINANCE] | ROLES[Role.RISK_MANAGER] if not user.has_perm(right)} == set()


def test_a_stranger_and_whoever_left_may_nothing() -> None:
    """Red without the check of is_active."""
    gone, nobody = make_user("gone", *Role), make_user("nobody")
    gone.is_active = False
    gone.save()
    backend = RoleBackend()
    for user in (gone, nobody, AnonymousUser()):
        assert not any(backend.has_perm(user, right) for right in ROLES[Role.VIEWER])
        assert not backend.has_module_perms(user, "merchants")


def test_those_who_see_money_decided_do_not_make_accounts() -> None:
    """Whoever may publish or verify may not also make users."""
    for rights in ROLES.values():
        if "auth.add_user" in rights:
            assert not rights & {"scoring.publish_anyway_scorerun", "merchants.verify_payoutaccount"}
