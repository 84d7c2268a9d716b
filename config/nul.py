"""Refuse a NUL in an address: PostgreSQL stores none, so nothing can be found by it."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

from config.problems import CODES


def refuse_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Reply 400 to an address with a NUL; pass on everything else."""

    def answer(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            body = {"type": "/docs/problems#invalid", "status": 400, "code": "invalid", "detail": CODES["invalid"]}
            return JsonResponse(body, status=HTTPStatus.BAD_REQUEST, content_type="application/problem+json")
        return get_response(request)

    return answer
