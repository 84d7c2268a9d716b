"""Requests that may be sent again without being done again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_KEY: Final = 100


class KeyRefusal(StrEnum):
    """Why a request under a known key is neither done nor answered from the first one."""

    STILL_RUNNING = "STILL_RUNNING"
    OTHER_BODY = "OTHER_BODY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """A partner's key of a request, and the sha256 of its method, address and body."""

    partner_id: int
    key: str
    digest: str
