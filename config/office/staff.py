"""Create accounts of staff."""

from datetime import datetime

from django.contrib.auth.models import Group, User

from config.db.transactions import operation
from config.declarations import Role
from config.office.actors import Actor
from config.office.events import record_event


class NameTaken(Exception):
    """There is an account with this name."""


def create_administrator(*, name: str, password: str, actor: Actor, now: datetime) -> User:
    """Create an account in the group of administrators; never a superuser. Raises NameTaken."""
    with operation():
        if User.objects.filter(username=name).exists():
            raise NameTaken
        user = User.objects.create_user(name, password=password, is_staff=True)
        user.groups.set(Group.objects.filter(name=Role.ADMINISTRATOR))
        record_event(
            name="office.create_administrator", subject=user, actor=actor, before={}, after={"name": name}, now=now
        )
        return user
