"""What of notes, tasks and documents a user may see: what is about rows whose pages they may view."""

from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from config.office.pages import OfficeAdmin
from config.office.subjects import may_view

Rows = TypeVar("Rows", bound=QuerySet[Any])


def visible(rows: Rows, user: User) -> Rows:
    """Keep what is about rows whose pages a user may view."""
    pages = [page for page in admin.site._registry.values() if isinstance(page, OfficeAdmin)]  # noqa: SLF001
    kinds = [page.model._meta.label_lower for page in pages if page.notes is not None]
    seen = [kind for kind in kinds if may_view(user, kind)]
    if seen == kinds:
        return rows
    return rows.filter(reduce(or_, (Q(about__startswith=f"{kind}:") for kind in seen), Q(pk__in=[])))
