"""Refuse settings under which an operation would not own its transaction."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def no_atomic_requests(**_kwargs: object) -> list[CheckMessage]:
    """Check that no database wraps requests: an operation is one durable transaction of its own."""
    return [
        Error(f"ATOMIC_REQUESTS is on for database {alias!r}.", hint="Switch it off.", id="office.E001")
        for alias, facts in settings.DATABASES.items()
        if facts.get("ATOMIC_REQUESTS")
    ]
