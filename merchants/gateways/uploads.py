"""The directory in which uploaded files wait; the web processes and the workers share it."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings

from merchants.gateways.feed_files import ENDINGS

AT_ONCE = 2**20


class NoUploads(Exception):
    """No directory is set: files cannot be uploaded."""


class KeptFile(NamedTuple):
    """Under which key a file is kept, its bytes and its SHA-256."""

    key: str
    size: int
    sha256: str


def are_uploads_possible() -> bool:
    """Check whether a directory is set."""
    return settings.UPLOADS_DIR is not None


def ending_of(name: str) -> str | None:
    """Return the ending by which a file is read; None for one that is not read."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)


def keep_upload(path: Path, *, name: str) -> KeptFile:
    """Copy a file of some name to where the workers find it, or leave nothing. Raises NoUploads, OSError."""
    key, digest, size = f"{uuid4().hex}{ending_of(name) or ''}", sha256(), 0
    target = path_of_upload(key)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("rb") as source, target.open("xb") as kept:
            while part := source.read(AT_ONCE):
                digest.update(part)
                size += kept.write(part)
    except BaseException:
        forget_upload(key)  # where the disk is full, half a file would keep it full
        raise
    return KeptFile(key, size, digest.hexdigest())


def path_of_upload(key: str) -> Path:
    """Return where a file is. Raises NoUploads."""
    if settings.UPLOADS_DIR is None:
        raise NoUploads
    return Path(settings.UPLOADS_DIR) / key


def forget_upload(key: str) -> None:
    """Remove a file. Raises NoUploads."""
    path_of_upload(key).unlink(missing_ok=True)


def old_uploads(*, before: datetime) -> list[str]:
    """List the keys of the files that were kept before a time; none without a directory."""
    if settings.UPLOADS_DIR is None or not Path(settings.UPLOADS_DIR).is_dir():
        return []
    files = (path for path in Path(settings.UPLOADS_DIR).iterdir() if ending_of(path.name) and path.is_file())
    return [path.name for path in files if path.stat().st_mtime < before.timestamp()]
