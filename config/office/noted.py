"""Which pages have notes, and what of them a user may see."""

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from config.office.pages import OfficeAdmin
from config.office.subjects import M, about_visible


def noted_kinds() -> list[str]:
    """Return the kinds of subjects that have notes, as `lending.loan`."""
    pages = admin.site._registry.items()  # noqa: SLF001
    return [
        model._meta.label_lower for model, page in pages if isinstance(page, OfficeAdmin) and page.notes is not None
    ]


def visible(rows: QuerySet[M], user: User | AnonymousUser) -> QuerySet[M]:
    """Keep what is about rows whose pages a user may view."""
    return about_visible(rows, user, kinds=noted_kinds())
