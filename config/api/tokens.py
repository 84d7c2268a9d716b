"""Give partners' systems their tokens."""

from base64 import b64decode
from binascii import Error
from http import HTTPStatus
from typing import Any

import oauth2_provider.views
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views import View


class RefusesNul(View):
    """Refuse a NUL, which no database can look up, before the toolkit tries."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
        """Reply 400 invalid_request to a NUL in the form or in the credentials."""
        if any("\x00" in text for text in (*request.POST, *request.POST.values())) or _has_nul(request):
            return JsonResponse({"error": "invalid_request"}, status=HTTPStatus.BAD_REQUEST)
        reply: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return reply


class IssueTokenView(RefusesNul, oauth2_provider.views.TokenView):
    """Issue tokens for client credentials."""


class RevokeTokenView(RefusesNul, oauth2_provider.views.RevokeTokenView):
    """Revoke a token of the calling client."""


def _has_nul(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        return scheme.lower() == "basic" and b"\x00" in b64decode(text)
    except Error:
        return False  # no base64: the toolkit refuses it
