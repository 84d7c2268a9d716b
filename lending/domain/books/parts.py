"""Say in how many parts workers share a night's work."""

from typing import Final

A_PART: Final = 10_000
MOST_PARTS: Final = 32


def parts_for(rows: int) -> int:
    """Give the number of parts for so many loans or merchants: one up to A_PART."""
    return max(1, min(MOST_PARTS, -(-rows // A_PART)))
