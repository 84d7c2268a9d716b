"""Files: what has to be on the disk before somebody is told so, and directories of files that processes share."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, NamedTuple
from uuid import uuid4

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)
OURS: Final = re.compile(r"\.?[0-9a-f]{32}(\.[a-z0-9]+)*")
"""The names of kept files, and of those that are being written."""


class NoDirectory(Exception):
    """No directory is set in which the web processes and the workers share files."""


class KeptFile(NamedTuple):
    """Under which key a file is kept, its bytes and its SHA-256."""

    key: str
    size: int
    sha256: str


def force_directory(directory: Path) -> None:
    """Force to the disk that a new file is in its directory. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def written_beside(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when the block ends, and of which nothing is left if it raises. Raises OSError.

    Who reads the path sees the file that was there before, or the whole new one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class Draft:
    """A file that is being kept; its bytes are counted and digested on their way."""

    def __init__(self, key: str, file: IO[bytes]) -> None:
        self._key, self._file, self._size, self._digest = key, file, 0, sha256()

    def write(self, part: bytes) -> None:
        """Write more of it. Raises OSError."""
        self._digest.update(part)
        self._size += self._file.write(part)

    @property
    def kept(self) -> KeptFile:
        """What is known of the file, once all of it is written."""
        return KeptFile(self._key, self._size, self._digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStore:
    """Files under keys that nobody guesses, in a directory that the web processes and the workers share.

    setting: the name of the setting of that directory. below: a directory inside it.
    """

    setting: str
    below: str = ""

    @property
    def is_set(self) -> bool:
        """Whether there is a directory."""
        return getattr(settings, self.setting) is not None

    @contextmanager
    def keep(self, ending: str) -> Iterator[Draft]:
        """Keep what the block writes, whole and on the disk once it ends; if it raises, nothing is left.

        Raises NoDirectory, OSError.
        """
        key = f"{uuid4().hex}{ending}"
        target = self.path_of(key)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_beside(target) as file:
            yield Draft(key, file)
        force_directory(target.parent)

    def path_of(self, key: str) -> Path:
        """Return where a file is. Raises NoDirectory."""
        return self._directory() / key

    def forget(self, key: str) -> None:
        """Remove a file, if it is still there. Raises NoDirectory."""
        self.path_of(key).unlink(missing_ok=True)

    def forget_all(self, keys: Iterable[str]) -> None:
        """Remove files; one that cannot be removed is logged, and keeps none of the others. Raises NoDirectory."""
        for key in keys:
            try:
                self.forget(key)
            except OSError as error:
                log.warning("file_not_removed", key=key, error=str(error))

    def old(self, *, before: datetime) -> list[str]:
        """List the keys of the files last written before a time, unfinished ones too; none without a directory."""
        if not self.is_set or not self._directory().is_dir():
            return []
        files = (path for path in self._directory().iterdir() if OURS.fullmatch(path.name))
        return [path.name for path in files if _is_older(path, before)]

    def _directory(self) -> Path:
        directory = getattr(settings, self.setting)
        if directory is None:
            raise NoDirectory
        return Path(directory) / self.below


def _is_older(path: Path, before: datetime) -> bool:
    """Check whether a file was last written before a time; one that somebody else removed meanwhile was not."""
    try:
        return path.is_file() and path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False
