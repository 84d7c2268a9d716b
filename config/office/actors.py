"""Who acts."""

from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied


class ActorKind(StrEnum):
    """The kinds of actors."""

    STAFF = "staff"
    PARTNER = "partner"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A member of staff, a partner's system, or this system itself; written as `staff:3`."""

    kind: ActorKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def of_staff(cls, number: int) -> "Actor":
        return cls(ActorKind.STAFF, number)


SYSTEM = Actor(ActorKind.SYSTEM, 0)


def actor_of(user: User | AnonymousUser) -> Actor:
    """Return the actor for the user of a request, who must be signed in. Raises PermissionDenied."""
    if isinstance(user, AnonymousUser):
        raise PermissionDenied
    return Actor(ActorKind.STAFF, user.pk)


def id_of(actor: str) -> int:
    """Return the number of an actor, written as `staff:3`, or of a row, as `lending.loan:33`."""
    return int(actor.rpartition(":")[2])
