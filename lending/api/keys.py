"""The key under which a request may be sent again, and the hash by which requests are told apart."""

import re
from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from config.api.authentication import caller_of
from config.kernel.canonical import canonical_json, sha256_of
from config.problems import CODES
from merchants.domain.idempotency import LONGEST_KEY, RequestKey

HEADER: Final = "Idempotency-Key"
KEY_PARAMETER: Final = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 100 printable ASCII characters: the request sent again under its key is not done again.",
)
_KEY: Final = re.compile(f"[ -~]{{1,{LONGEST_KEY}}}")


class KeyMissing(APIException):
    """A call that moves something came without a key."""

    status_code = 400
    default_code = "idempotency_key_missing"
    default_detail = CODES["idempotency_key_missing"]


class KeyInvalid(APIException):
    """The key is too long, or holds what is not printable ASCII."""

    status_code = 400
    default_code = "idempotency_key_invalid"
    default_detail = CODES["idempotency_key_invalid"]


def request_key(request: Request) -> RequestKey:
    """Return the key of a request whose body is valid. Raises KeyMissing, KeyInvalid."""
    key = request.headers.get(HEADER)
    if not key:
        raise KeyMissing
    if not _KEY.fullmatch(key):
        raise KeyInvalid
    asked = canonical_json([request.method, request.path, request.data])
    return RequestKey(partner_id=caller_of(request).partner_id, key=key, digest=sha256_of(asked))
