"""What sums over the lines of a file cannot be trusted, as one of their lines cannot be read."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from merchants.domain.feeds.format import Mapped

K = TypeVar("K", bound=Hashable)


class Doubt(Generic[K]):
    """The subjects of lines that cannot be read.

    A line with too few cells does not say what it is about: it may be what the line before is about, or the line after.
    """

    def __init__(self) -> None:
        self._lines: dict[K, int] = {}
        self._subject: K | None = None
        self._unread = 0

    def reach(self, subject: K) -> None:
        """Say what the next line is about."""
        self._subject = subject
        if self._unread:
            self._lines.setdefault(subject, self._unread)
            self._unread = 0

    def reject(self, line: int, words: str, *, is_torn: bool = False) -> tuple[int, Mapped]:
        """Reject the line that was reached or, if it is torn, one that does not say what it is about."""
        if self._subject is not None:
            self._lines.setdefault(self._subject, line)
        self._unread = line if is_torn else 0
        return line, Mapped(rows=(words,))

    def of(self, subject: K) -> int | None:
        """Return the first line about the subject that cannot be read."""
        return self._lines.get(subject)
