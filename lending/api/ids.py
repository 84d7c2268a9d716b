"""Write and read public ids: `offer_12` for the row 12."""

import re
from typing import ClassVar, Final

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

# One spelling of each: a request sent again under another one would be another request.
NUMBER: Final = "[1-9][0-9]{0,17}"


class PublicIdConverter:
    """Read a public id in an address as its number."""

    kind: ClassVar[str]

    def to_python(self, value: str) -> int:
        """Take the number out."""
        return int(value.removeprefix(f"{self.kind}_"))

    def to_url(self, value: int) -> str:
        """Put the number in."""
        return f"{self.kind}_{value}"


class OfferIdConverter(PublicIdConverter):
    """Read an offer's public id."""

    kind = "offer"
    regex = f"offer_{NUMBER}"


class ApplicationIdConverter(PublicIdConverter):
    """Read an application's public id."""

    kind = "application"
    regex = f"application_{NUMBER}"


class LoanIdConverter(PublicIdConverter):
    """Read a loan's public id."""

    kind = "loan"
    regex = f"loan_{NUMBER}"


def after_of(request: Request, kind: str) -> int:
    """Read after which row a page starts, `?after=offer_12`; 0 for the first page. Raises ValidationError."""
    text = request.query_params.get("after", "")
    if not text:
        return 0
    if not re.fullmatch(f"{kind}_{NUMBER}", text):
        raise ValidationError({"after": ["`next_after` of the page before is needed."]})
    return int(text.removeprefix(f"{kind}_"))
