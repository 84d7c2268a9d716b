"""Whom a text mentions: `@` and a log-in."""

import re
import unicodedata
from typing import Final

# Not behind what an e-mail address may have before its @; as long as log-ins go.
MENTION: Final = re.compile(r"(?<![\w.@+-])@(\w[\w.@+-]*)")
PUNCTUATION: Final = ".@+-"
"""What log-ins may have, and ends a sentence rather than a log-in."""


def mentioned(text: str) -> list[str]:
    """Return the log-ins that a text mentions, each once however it is capitalised, as they are written first."""
    found: dict[str, str] = {}
    for name in MENTION.findall(text):
        kept = unicodedata.normalize("NFKC", name).rstrip(PUNCTUATION)
        found.setdefault(kept.lower(), kept)
    return list(found.values())
