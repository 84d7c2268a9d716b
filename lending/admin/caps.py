"""Draw the caps of a limit as bars, the binding one marked."""

from collections.abc import Mapping
from typing import Any

from config.office.words import money
from lending.admin.words import CAPS
from lending.domain.origination.limit import Cap


def caps_context(caps: Mapping[str, int | None], binding: str, currency: str) -> dict[str, Any]:
    """List the caps that apply, the least first, each with its share of the largest for a bar."""
    applying = sorted((minor, Cap(name)) for name, minor in caps.items() if minor is not None)
    widest = max((minor for minor, _ in applying), default=0) or 1
    return {
        "caps": [
            {
                "words": CAPS[cap],
                "amount": money(minor, currency),
                "width": f"{minor * 100 / widest:.1f}",
                "binds": cap == binding,
            }
            for minor, cap in applying
        ],
        "caps_without": [CAPS[Cap(name)] for name, minor in caps.items() if minor is None],
    }
