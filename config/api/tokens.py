"""Endpoints that issue and revoke tokens."""

from base64 import b64decode
from binascii import Error
from http import HTTPStatus
from typing import Any

import oauth2_provider.views
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase


class IssueTokenView(oauth2_provider.views.TokenView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
        reply: HttpResponseBase = _refuse_nul(request) or super().post(request, *args, **kwargs)
        return reply


class RevokeTokenView(oauth2_provider.views.RevokeTokenView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
        reply: HttpResponseBase = _refuse_nul(request) or super().post(request, *args, **kwargs)
        return reply


def _refuse_nul(request: HttpRequest) -> HttpResponseBase | None:
    """Reply 400 to a NUL, which no database can look up, in the form or in the credentials."""
    if any("\x00" in text for text in (*request.POST, *request.POST.values())) or _has_nul(request):
        return JsonResponse({"error": "invalid_request"}, status=HTTPStatus.BAD_REQUEST)
    return None


def _has_nul(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        return scheme.lower() == "basic" and b"\x00" in b64decode(text)
    except Error:
        return False  # not base64: the toolkit refuses it
