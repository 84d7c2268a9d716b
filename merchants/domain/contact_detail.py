"""How a merchant is reached: telephone numbers and addresses, their forms, and how they are shown."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from config.kernel.refusals import first_of

LONGEST: Final = 254
"""Characters: of an address of electronic mail (RFC 5321)."""
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
"""As HTML has it for a form, with a domain that has a dot."""
_ENCODED: Final = "=?"
"""Begins what a mail header takes for another text (RFC 2047): the letter would go to another address."""


class DetailKind(StrEnum):
    """What a contact detail is: a telephone number by E.164, or an address of electronic mail."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"


class Language(StrEnum):
    """The language in which a merchant is spoken and written to."""

    EN = "en"
    ZH = "zh"


class DetailRefusal(StrEnum):
    """Why a contact detail is neither entered nor retired; the first that applies counts."""

    PHONE_MALFORMED = "PHONE_MALFORMED"
    EMAIL_MALFORMED = "EMAIL_MALFORMED"
    TOO_MANY = "TOO_MANY"
    RETIRED = "RETIRED"


SHORT_NAME: Final = 2
MOST: Final = 10
"""Judgement: in use at once, of one merchant."""


def canonical_detail(kind: DetailKind, text: str) -> str:
    """Write a detail as it is kept: a number without what people put between its digits, an address in one case."""
    text = text.strip()
    return re.sub(r"[\s()./-]", "", text) if kind is DetailKind.PHONE else text.lower()


def judge_detail(kind: DetailKind, text: str, *, known: Collection[str]) -> DetailRefusal | None:
    """Decide whether a canonical detail is entered. known: those that the merchant has in use."""
    return first_of(
        {
            DetailRefusal.PHONE_MALFORMED: kind is DetailKind.PHONE and not _E164.fullmatch(text),
            DetailRefusal.EMAIL_MALFORMED: kind is DetailKind.EMAIL
            and (len(text) > LONGEST or _ENCODED in text or not _MAIL.fullmatch(text)),
            DetailRefusal.TOO_MANY: len(known) >= MOST,
        }
    )


def mask_detail(kind: DetailKind, text: str) -> str:
    """Hide a number but for its last three digits, and the name in an address but for a longer one's first letter."""
    if kind is DetailKind.PHONE:
        return f"*** {text[-3:]}"
    name, _, domain = text.partition("@")
    return f"{name[:1] if len(name) > SHORT_NAME else ''}***@{domain}"
