"""Who calls the API, and what its token lets it do."""

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
    """The system of a partner, known by its token."""

    partner_id: int
    is_authenticated: bool = True

    @property
    def actor(self) -> Actor:
        """The caller's name in the audit trail."""
        return Actor(ActorKind.PARTNER, self.partner_id)


class BearerAuthentication(ABC, BaseAuthentication):
    """Know the partner by a bearer token; a subclass knows which partner a client belongs to.

    Looked up here and not by the toolkit's own class: that one parses the body first, of a stranger too.
    """

    @abstractmethod
    def get_partner_id(self, *, application_id: int) -> int | None:
        """Find the partner whose client this is; None if it belongs to nobody."""

    def authenticate(self, request: Request) -> tuple[Caller, AccessToken] | None:
        """Find the caller of the token; None without one. Raises AuthenticationFailed for a bad one."""
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
        """Ask for a bearer token."""
        return 'Bearer realm="api"'


class HasScope(BasePermission):
    """Demand the scope that the view names for the method."""

    message = "The token lacks the scope that this call needs."

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ANN401 - DRF's signature
        """Tell whether the token carries the scope; no token, no permission."""
        if not isinstance(request.auth, AccessToken):
            return False
        scope = view.scopes.get("GET" if request.method == "HEAD" else request.method)
        return scope is None or bool(request.auth.allow_scopes([scope]))  # None: the view has no such method


def caller_of(request: Request) -> Caller:
    """Get who calls; the permission above let nobody else in."""
    caller: Caller = request.user  # type: ignore[assignment]
    return caller
