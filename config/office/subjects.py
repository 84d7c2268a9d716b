"""Who may see what is written about a row: whoever may view its page."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, Q, QuerySet

from config.office.roles import ROLES

M = TypeVar("M", bound=Model)


def view_right(subject: str) -> str:
    """Return the right to view the page of a subject: of `lending.loan:33`, `lending.view_loan`."""
    app, _, model = subject.partition(":")[0].partition(".")
    return f"{app}.view_{model}"


def may_view(user: User | AnonymousUser, subject: str) -> bool:
    """Tell whether a user may view the page of a subject."""
    return user.has_perm(view_right(subject))


def about_visible(rows: QuerySet[M], user: User | AnonymousUser, *, kinds: Iterable[str]) -> QuerySet[M]:
    """Keep the rows about subjects whose pages a user may view. kinds: of subjects that there are, `lending.loan`."""
    known = list(kinds)
    seen = [kind for kind in known if may_view(user, kind)]
    if seen == known:
        return rows
    return rows.filter(reduce(or_, (Q(about__startswith=f"{kind}:") for kind in seen), Q(pk__in=[])))


def staff_with(*rights: str) -> QuerySet[User]:
    """Return the colleagues who can sign in and have all of some rights, by their log-ins."""
    found = User.objects.filter(is_active=True, is_staff=True)
    for right in rights:
        roles = [role for role, held in ROLES.items() if right in held]
        in_role = User.groups.through.objects.filter(group__name__in=roles).values("user_id")
        found = found.filter(Q(is_superuser=True) | Q(pk__in=in_role))
    return found.order_by("username")
