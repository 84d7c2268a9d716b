"""From which address the request came that is being answered; none in a worker or a command."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_ADDRESS: Final[ContextVar[str | None]] = ContextVar("address", default=None)


def address_of(meta: Mapping[str, str], *, proxies: int) -> str | None:
    """Return the client's address; None if there is none.

    proxies: how many of our own stand in front. Each adds to the header by whom it was asked; what lies before that,
    the client may have written itself.
    """
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    through_all = proxies and len(forwarded) >= proxies
    text = forwarded[-proxies] if through_all else meta.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None


def remember_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Remember the client's address while its request is answered."""

    def answer(request: HttpRequest) -> HttpResponse:
        token = _ADDRESS.set(address_of(request.META, proxies=settings.PROXIES))
        try:
            return get_response(request)
        finally:
            _ADDRESS.reset(token)

    return answer


def current_address() -> str | None:
    """Return the address of whoever is being answered."""
    return _ADDRESS.get()
