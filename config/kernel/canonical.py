"""Write immutable data in one form only, so that its hash identifies its content."""

import hashlib
import json
import re
from typing import Any


def canonical_json(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Write JSON with sorted keys, no spaces, no escapes for letters. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(text: str) -> str:
    """Hash the text as UTF-8; 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_sha256(text: str) -> bool:
    """Check whether a text may be a hash of `sha256_of`."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
