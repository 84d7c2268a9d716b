"""Check which texts can be stored, and make any text fit for display."""

import re

LONGEST_SHOWN = 200
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # a NUL, or a byte that was not UTF-8


def storable(text: str) -> bool:
    """Check whether the database can store a text: no NUL, and nothing that was not UTF-8."""
    return (text.isascii() and "\x00" not in text) or not _UNSTORABLE.search(text)


def is_identifier(text: str) -> bool:
    """Check whether a text may name something: with white space around it, one name would be two things."""
    return text == text.strip()


def shown(text: str) -> str:
    """Make a text fit to store and display: unstorable characters are replaced, and 200 characters kept.

    A text that is longer ends with an ellipsis, which is the last of the 200.
    """
    cut = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}\N{HORIZONTAL ELLIPSIS}"
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", cut)
