"""The directory in which uploaded files wait; the web processes and the workers share it."""

from pathlib import Path
from typing import Final

from config.disk import FileStore, KeptFile
from merchants.gateways.feed_files import ENDINGS

AT_ONCE = 2**20
UPLOADED: Final = FileStore(setting="UPLOADS_DIR")


def ending_of(name: str) -> str | None:
    """Return the ending by which a file is read; None for one that is not read."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)


def keep_upload(path: Path, *, name: str) -> KeptFile:
    """Copy a file of some name to where the workers find it, or leave nothing. Raises NoDirectory, OSError."""
    with UPLOADED.keep(ending_of(name) or "") as draft, path.open("rb") as source:
        while part := source.read(AT_ONCE):
            draft.write(part)
    return draft.kept
