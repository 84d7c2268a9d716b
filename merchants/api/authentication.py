"""Tell which partner calls, and what its token lets it do."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.office.actors import Actor, ActorKind
from merchants.models import Partner, PartnerClient

MAX_TOKEN = 255


@dataclass(frozen=True, slots=True)
class Caller:
    """The system of a partner, known by its token."""

    partner: Partner
    is_authenticated: bool = True

    @property
    def actor(self) -> Actor:
        """Name the caller for the audit trail."""
        return Actor(ActorKind.PARTNER, self.partner.pk)


class PartnerAuthentication(BaseAuthentication):
    """Know the partner by a bearer token.

    Looked up here and not by the toolkit's own class: that one parses the body first, of a stranger too.
    """

    def authenticate(self, request: Request) -> tuple[Caller, AccessToken] | None:
        """Find the partner of the token; None without one. Raises AuthenticationFailed for a bad one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        checksum = sha256(token.strip()[:MAX_TOKEN].encode()).hexdigest()
        found = AccessToken.objects.filter(token_checksum=checksum).first()
        if found is None or found.is_expired():
            message = "The token is unknown or has expired: get another from /oauth/token/."
            raise AuthenticationFailed(message)
        client = PartnerClient.objects.select_related("partner").filter(application=found.application_id).first()
        if client is None:
            message = "The token belongs to no partner."
            raise AuthenticationFailed(message)
        return Caller(client.partner), found

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


def partner_of(request: Request) -> Partner:
    """Get the partner that calls."""
    return caller_of(request).partner


def caller_of(request: Request) -> Caller:
    """Get who calls; the permission above let nobody else in."""
    caller: Caller = request.user  # type: ignore[assignment]
    return caller
