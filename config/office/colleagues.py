"""Filters of lists by a colleague, who is chosen by their log-in and written as `staff:3`."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from config.office.actors import actor_of, id_of
from config.office.lists import Filter
from config.office.words import Words


def colleagues() -> Iterator[tuple[str, Words]]:
    """Yield the staff, as filters name them."""
    for user in User.objects.filter(is_staff=True).order_by("username"):
        yield str(actor_of(user)), user.get_username()


def waiting_filter(waiting: Callable[[User], QuerySet[Any]]) -> Filter:
    """Return a filter by whom rows wait for. waiting: those that wait for somebody."""

    def keep(rows: QuerySet[Any], who: str) -> QuerySet[Any]:
        return rows.filter(pk__in=waiting(User.objects.get(pk=id_of(who))).values("pk"))

    return Filter(name="waits_for", label=_("waiting for"), choices=colleagues, keep=keep)
