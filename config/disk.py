"""What has to be on the disk before somebody is told so."""

import os
from pathlib import Path


def force_directory(directory: Path) -> None:
    """Force to the disk that a new file is in its directory. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
