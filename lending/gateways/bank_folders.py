"""The folders through which files go to a bank and come from it: an outbox that it empties, an inbox that it fills."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.disk import force_directory, written_beside

UNFINISHED: Final = (".part", ".tmp", ".filepart", ".writing")


@dataclass(frozen=True, slots=True)
class BankFolders:
    """The folders of one bank; they are made when they are first used."""

    root: Path

    @property
    def outbox(self) -> Path:
        """Where orders wait for the bank."""
        return self.root / "outbox"

    @property
    def inbox(self) -> Path:
        """Where the bank puts its files."""
        return self.root / "inbox"

    @property
    def archive(self) -> Path:
        """Where files of the bank go that are kept in the database."""
        return self.root / "archive"

    def make(self) -> None:
        """Make the folders that whatever talks to the bank uses. Raises OSError."""
        for folder in (self.outbox, self.inbox):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        """Put a file into the outbox, whole or not at all; again, it replaces itself. Raises OSError."""
        self.outbox.mkdir(parents=True, exist_ok=True)
        with written_beside(self.outbox / name) as file:
            file.write(content)
        force_directory(self.outbox)

    def arrived(self) -> Iterator[Path]:
        """Yield the files in the inbox that are whole, those that came first before later ones."""
        if not self.inbox.is_dir():
            return
        found = list[tuple[int, str, Path]]()
        for path in self.inbox.iterdir():
            with suppress(FileNotFoundError):  # another worker was faster
                if path.is_file() and not path.is_symlink():
                    found.append((path.stat().st_mtime_ns, path.name, path))
        for _, name, path in sorted(found):
            if not name.startswith(".") and path.suffix not in UNFINISHED:
                yield path

    def read(self, path: Path, *, most: int) -> bytes | None:
        """Read a file of the inbox, no further than so many bytes; None if it is gone. Raises OSError."""
        with suppress(FileNotFoundError), path.open("rb") as file:
            return file.read(most)
        return None

    def put_away(self, path: Path, *, sha256: str) -> None:
        """Move a file that is kept out of the inbox; its name gets the hash, as banks use names again."""
        self.archive.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another worker was faster
            path.rename(self.archive / f"{path.stem[:100]}-{sha256[:12]}{path.suffix[:20]}")
