"""Authentication of API clients, and the scopes of their tokens."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.office.actors import Actor, ActorKind

MAX_TOKEN = 255


@dataclass(frozen=True, slots=True)
class Caller:
    """A partner's system, identified by its token."""

    partner_id: int
    is_authenticated: bool = True

    @property
    def actor(self) -> Actor:
        """The caller's name in the audit trail."""
        return Actor(ActorKind.PARTNER, self.partner_id)


class BearerAuthentication(ABC, BaseAuthentication):
    """Authentication of a partner by bearer token; a subclass maps clients to partners.

    The token is looked up here and not by the toolkit's own class, which parses the body first, even a stranger's.
    """

    @abstractmethod
    def get_partner_id(self, *, application_id: int) -> int | None:
        """Return the partner whose client this is; None if it belongs to nobody."""

    def authenticate(self, request: Request) -> tuple[Caller, AccessToken] | None:
        """Return the caller; None without a token. Raises AuthenticationFailed for a bad one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        checksum = sha256(token.strip()[:MAX_TOKEN].encode()).hexdigest()
        found = AccessToken.objects.filter(token_checksum=checksum).first()
        if found is None or found.is_expired():
            message = "The token is unknown or has expired: get another from /oauth/token/."
            raise AuthenticationFailed(message)
        partner_id = self.get_partner_id(application_id=found.application_id)
        if partner_id is None:
            message = "The token belongs to no partner."
            raise AuthenticationFailed(message)
        return Caller(partner_id), found

    def authenticate_header(self, _request: Request) -> str:
        return 'Bearer realm="api"'


class HasScope(BasePermission):
    """Permission by the scope that the view names for the method; without a token, none."""

    message = "The token lacks the scope that this call needs."

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ANN401 - DRF's signature
        if not isinstance(request.auth, AccessToken):
            return False
        scope = view.scopes.get("GET" if request.method == "HEAD" else request.method)
        return scope is None or bool(request.auth.allow_scopes([scope]))  # None: the view has no such method


def caller_of(request: Request) -> Caller:
    """Return the caller; the permission above admits no one else."""
    caller: Caller = request.user  # type: ignore[assignment]
    return caller
