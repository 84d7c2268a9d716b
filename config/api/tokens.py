"""Give partners' systems their tokens."""

from base64 import b64decode
from binascii import Error
from http import HTTPStatus
from typing import Any

import oauth2_provider.views
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase


class IssueTokenView(oauth2_provider.views.TokenView):
    """Issue tokens for client credentials."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
        """Issue a token. Replies 400 invalid_request to what cannot be looked up."""
        reply: HttpResponseBase = _refuse_nul(request) or super().post(request, *args, **kwargs)
        return reply


class RevokeTokenView(oauth2_provider.views.RevokeTokenView):
    """Revoke a token of the calling client."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
        """Revoke a token. Replies 400 invalid_request to what cannot be looked up."""
        reply: HttpResponseBase = _refuse_nul(request) or super().post(request, *args, **kwargs)
        return reply


def _refuse_nul(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse a NUL, which no database can look up, in the form or in the credentials."""
    if any("\x00" in text for text in (*request.POST, *request.POST.values())) or _has_nul(request):
        return JsonResponse({"error": "invalid_request"}, status=HTTPStatus.BAD_REQUEST)
    return None


def _has_nul(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        return scheme.lower() == "basic" and b"\x00" in b64decode(text)
    except Error:
        return False  # no base64: the toolkit refuses it
