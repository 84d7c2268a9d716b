"""Lists by the names of their models: which page lists one, and what people call it."""

from typing import Any, Protocol

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from config.office.display import Button, Cell
from config.office.lists import BadQuery, ListOf
from config.office.verbs import Verb
from config.office.words import Words


class ListPage(Protocol):
    """The page of a list, as it is registered with the office."""

    @property
    def list_title(self) -> Words:
        """Its name."""

    def list_url(self) -> str:
        """Return its address."""

    def list_button(self, verb: Verb, user: User, query: str) -> Button:
        """Return the button of what may be done with any list, for a normal query."""

    def completed(self, asked: QueryDict) -> QueryDict:
        """Return what an address asks for, with what it leaves open."""

    def may_be_viewed_by(self, user: User) -> bool:
        """Check whether somebody may see the list."""

    def described(self, asked: QueryDict) -> ListOf:
        """Return how the rows are listed. Raises BadQuery."""

    def listed(self) -> QuerySet[Any]:
        """Return the rows of the list."""

    def shown_to(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows that somebody sees."""


def list_named(label: str) -> ListPage | None:
    """Return the page that lists a model, named as `lending.loan`; None where there is none, or no more."""
    try:
        page: Any = admin.site._registry.get(apps.get_model(label))  # noqa: SLF001 - Django says so
    except LookupError:
        return None
    return page if getattr(page, "list_page", None) else None


def list_words(label: str) -> Words:
    """Name the list of a model for people; one that is gone, by its label."""
    page = list_named(label)
    return label if page is None else page.list_title


def list_address(label: str) -> str | None:
    """Return the address of the list of a model; None if it is gone."""
    page = list_named(label)
    return None if page is None else page.list_url()


def may_view_list(label: str, user: User) -> bool:
    """Check whether there is a list of a model, and somebody may see it."""
    page = list_named(label)
    return page is not None and page.may_be_viewed_by(user)


def list_facts(label: str, query: str, user: User) -> list[tuple[Words, object]]:
    """Say what a normal query asks of a list, as far as that still has its filters, with a link to it.

    To whoever may not see the list, its name alone: a filter or a search may name a person.
    """
    page, asked = list_named(label), QueryDict(query)
    if page is None or not page.may_be_viewed_by(user):
        return [(_("List"), list_words(label))]
    named_list = (_("List"), Cell(text=page.list_title, link=f"{page.list_url()}?{query}"))
    try:
        said = page.described(page.completed(asked)).said(asked)
    except BadQuery as error:
        return [named_list, (_("Unknown by now"), str(error))]
    return [named_list, *(said or [(_("Filters"), _("none: all of the list"))])]
