"""Check which texts can be stored, and make any text fit for display."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # a NUL, or a byte that was not UTF-8


def storable(text: str) -> bool:
    """Check whether the database can store a text: no NUL, and nothing that was not UTF-8."""
    return (text.isascii() and "\x00" not in text) or not _UNSTORABLE.search(text)


def is_identifier(text: str) -> bool:
    """Check whether a text may name something: with white space around it, one name would be two things."""
    return text == text.strip()


def shown(text: str) -> str:
    """Make a text fit to store and display: unstorable characters are replaced, and 200 characters kept."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:200])
