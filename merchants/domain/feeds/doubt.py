"""What sums over the lines of a file cannot be trusted, as one of their lines cannot be read or is missing."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from merchants.domain.feeds.format import Mapped

K = TypeVar("K", bound=Hashable)


class Doubt(Generic[K]):
    """The subjects of lines that cannot be read, and why each is doubted.

    A line with too few cells does not say what it is about: it may be what the line before is about, or the line after.
    """

    def __init__(self) -> None:
        self._why: dict[K, str] = {}
        self._subject: K | None = None
        self._unread = 0

    def reach(self, subject: K) -> None:
        """Say what the next line is about."""
        self._subject = subject
        if self._unread:
            self._add(subject, self._unread)
            self._unread = 0

    def reject(self, line: int, words: str, *, about: K | None = None, is_torn: bool = False) -> tuple[int, Mapped]:
        """Reject the line that was reached or, if it is torn, one that does not say what it is about.

        about: what the line is about, where that is less than what its neighbours may be about.
        """
        if (subject := about or self._subject) is not None:
            self._add(subject, line)
        self._unread = line if is_torn else 0
        return line, Mapped(rows=(words,))

    def end_early(self, why: str) -> None:
        """Doubt what was reached last, as the file seems to lack lines, unless one was rejected: that may be why."""
        if self._subject is not None and not self._why:
            self._why[self._subject] = why

    def of(self, subject: K) -> str | None:
        """Return why the subject is doubted."""
        return self._why.get(subject)

    def _add(self, subject: K, line: int) -> None:
        self._why.setdefault(subject, f"row {line} cannot be read")
