"""Columns that hold the members of an enumeration."""

from enum import StrEnum

from django.db.models import CheckConstraint, Q


def choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """Return the members as a field's choices; their words are the interface's."""
    return [(member.value, member.value) for member in kind]


def known(field: str, kind: type[StrEnum], *, name: str) -> CheckConstraint:
    """Return the constraint that a field holds nothing but members."""
    return CheckConstraint(name=name, condition=Q(**{f"{field}__in": [member.value for member in kind]}))
