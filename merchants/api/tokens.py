"""Give partners' systems their tokens."""

from base64 import b64decode
from binascii import Error
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.views import TokenView


class PartnerTokenView(TokenView):
    """Issue tokens for client credentials, as the toolkit does; a NUL, which no database keeps, is refused before."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401
        """Issue a token. Replies 400 invalid_request to what cannot be looked up."""
        if any("\x00" in text for text in (*request.POST, *request.POST.values())) or _has_nul(request):
            return JsonResponse({"error": "invalid_request"}, status=HTTPStatus.BAD_REQUEST)
        reply: HttpResponse = super().post(request, *args, **kwargs)
        return reply


def _has_nul(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        return scheme.lower() == "basic" and b"\x00" in b64decode(text)
    except Error:
        return False  # no base64: the toolkit refuses it
