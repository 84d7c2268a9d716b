"""Who may see what is written about a row: whoever may view its page."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from config.office.roles import ROLES


def view_right(subject: str) -> str:
    """Return the right to view the page of a subject: of `lending.loan:33`, `lending.view_loan`."""
    app, _, model = subject.partition(":")[0].partition(".")
    return f"{app}.view_{model}"


def may_view(user: User, subject: str) -> bool:
    """Tell whether a user may view the page of a subject."""
    return user.has_perm(view_right(subject))


def staff_with(*rights: str) -> QuerySet[User]:
    """Return the colleagues who can sign in and have all of some rights, by their log-ins."""
    found = User.objects.filter(is_active=True, is_staff=True)
    for right in rights:
        roles = [role for role, held in ROLES.items() if right in held]
        in_role = User.groups.through.objects.filter(group__name__in=roles).values("user_id")
        found = found.filter(Q(is_superuser=True) | Q(pk__in=in_role))
    return found.order_by("username")
