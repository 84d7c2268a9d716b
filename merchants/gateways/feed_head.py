"""What is known of a feed's file before its rows are read, whatever its format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class UnreadableFeed(Exception):
    """The feed cannot be read at all; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """A file of a feed, its column names, and what stands between its cells: after a tab, a quote is text."""

    path: Path
    columns: tuple[str, ...]
    separator: str = ","

    def unknown_columns(self, known: Sequence[str]) -> list[str]:
        """List the columns that will be ignored."""
        return [column for column in self.columns if column not in known]


def broken_off(file: FeedFile, line: int, error: Exception) -> UnreadableFeed:
    """Say after which row a file breaks off."""
    return UnreadableFeed(f"{file.path} breaks off after row {line}: {error}")
