"""Freeze the facts of a decision as canonical JSON, and read them back to the last bit.

A fact added later gets a default and is marked as ADDED, so that older snapshots stay what they are.
"""

from enum import StrEnum

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import DoubledKey, load, read, written
from lending.domain.origination.decision import DecisionFacts


class SnapshotDefect(StrEnum):
    """Why a text is not a snapshot."""

    HASH_DIFFERS = "HASH_DIFFERS"
    MALFORMED = "MALFORMED"
    NOT_CANONICAL = "NOT_CANONICAL"


class SnapshotMalformed(ValueError):
    """The text is not a snapshot, for the reason given; the message says what is wrong."""

    def __init__(self, reason: SnapshotDefect, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def snapshot_of(facts: DecisionFacts) -> tuple[str, str]:
    """Serialise the facts as canonical JSON, with its sha256: one text for the same facts, whoever writes it."""
    text = canonical_json(written(facts))
    return text, sha256_of(text)


def parse_snapshot(text: str, sha256: str) -> DecisionFacts:
    """Parse a stored snapshot; what is read serialises to the same text. Raises SnapshotMalformed."""
    if sha256_of(text) != sha256:
        raise SnapshotMalformed(SnapshotDefect.HASH_DIFFERS, f"the text is not that of the hash {sha256}")
    try:
        facts = read(DecisionFacts, load(text))
        canonical, _ = snapshot_of(facts)
    except DoubledKey as error:
        raise SnapshotMalformed(SnapshotDefect.NOT_CANONICAL, f"{error} is given twice") from error
    except ValueError as error:
        raise SnapshotMalformed(SnapshotDefect.MALFORMED, str(error)) from error
    if canonical != text:  # spaces, 1.0
        raise SnapshotMalformed(SnapshotDefect.NOT_CANONICAL, "the text is not written canonically")
    return facts
