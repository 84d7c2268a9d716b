"""Public ids: `offer_12` for the row 12."""

import re
from functools import partial
from typing import Final

from django.urls import register_converter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

# One spelling of each: a request sent again under another one would be another request.
NUMBER: Final = "[1-9][0-9]{0,17}"


class PublicId:
    """URL converter between the public ids of a kind and their numbers."""

    def __init__(self, kind: str) -> None:
        self.kind, self.regex = kind, f"{kind}_{NUMBER}"

    def to_python(self, value: str) -> int:
        return int(value.removeprefix(f"{self.kind}_"))

    def to_url(self, value: int) -> str:
        return f"{self.kind}_{value}"


def register_ids(*kinds: str) -> None:
    """Register the converter of each kind: `<offer:offer_id>`."""
    for kind in kinds:
        register_converter(partial(PublicId, kind), kind)  # type: ignore[arg-type] # it is only called


def after_of(request: Request, kind: str) -> int:
    """Return the row after which a page starts, `?after=offer_12`; 0 for the first page. Raises ValidationError."""
    text = request.query_params.get("after", "")
    if text and not re.fullmatch(f"{kind}_{NUMBER}", text):
        raise ValidationError({"after": ["`next_after` of the page before is needed."]})
    return PublicId(kind).to_python(text) if text else 0
