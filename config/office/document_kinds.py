"""Which files are kept as documents: judged by what is in them and by how their names end, which have to agree."""

import re
import unicodedata
from enum import StrEnum
from io import BytesIO
from typing import Final

from PIL import Image

LARGEST: Final = 10 * 1024**2
"""Bytes."""
LONGEST_NAME: Final = 120
"""Characters."""
MOST_PIXELS: Final = 40_000_000
"""Of an image: whoever opens it has to unpack them all. A telephone takes some 12 million."""
MOST_SCANS: Final = 20
"""Of a JPEG: passes over the picture, each unpacked anew. A progressive one has ten as a rule."""
MOST_SEGMENTS: Final = 2_000
"""Of a JPEG, to its end: more than any camera or program writes."""
JPEG_HEAD: Final = b"\xff\xd8"
JPEG_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""What begins a segment: neither a byte of a scan nor a mark within one."""
START_OF_SCAN, END_OF_IMAGE = b"\xda", b"\xd9"
PDF_HEAD: Final = re.compile(rb"%PDF-[12]\.[0-9]")
PDF_TAIL: Final = 1_024
"""Bytes at its end in which a PDF says so."""


class DocumentKind(StrEnum):
    """The kinds of files that are kept."""

    PDF = "PDF"
    PNG = "PNG"
    JPEG = "JPEG"


class FileRefusal(StrEnum):
    """Why a file is not kept; the first that applies counts."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    OTHER_ENDING = "OTHER_ENDING"
    OTHER_CONTENT = "OTHER_CONTENT"
    TOO_DEMANDING = "TOO_DEMANDING"


ENDINGS: Final = {
    ".pdf": DocumentKind.PDF,
    ".png": DocumentKind.PNG,
    ".jpg": DocumentKind.JPEG,
    ".jpeg": DocumentKind.JPEG,
}
MEDIA_TYPES: Final = {
    DocumentKind.PDF: "application/pdf",
    DocumentKind.PNG: "image/png",
    DocumentKind.JPEG: "image/jpeg",
}


def kind_of(name: str) -> DocumentKind | None:
    """Return what a file's ending says that it is; None for what is not kept."""
    return next((kind for ending, kind in ENDINGS.items() if name.strip().lower().endswith(ending)), None)


def judge_file(name: str, content: bytes) -> FileRefusal | None:
    """Decide whether a file is kept: one that is what its name says, and that anybody can open."""
    if not content:
        return FileRefusal.EMPTY
    if len(content) > LARGEST:
        return FileRefusal.TOO_LARGE
    kind = kind_of(name)
    if kind is None:
        return FileRefusal.OTHER_ENDING
    return _judge_pdf(content) if kind is DocumentKind.PDF else _judge_image(kind, content)


def _judge_pdf(content: bytes) -> FileRefusal | None:
    """Decide by how it begins and ends."""
    tail = content[-PDF_TAIL:]
    is_pdf = PDF_HEAD.match(content) is not None and b"startxref" in tail and b"%%EOF" in tail
    return None if is_pdf else FileRefusal.OTHER_CONTENT


def _judge_image(kind: DocumentKind, content: bytes) -> FileRefusal | None:
    """Decide by the parts that it is built of: no pixel is unpacked, whatever it is said to have."""
    scans = count_scans(content) if kind is DocumentKind.JPEG else 1
    if not scans:
        return FileRefusal.OTHER_CONTENT
    try:
        with Image.open(BytesIO(content), formats=[kind]) as image:
            width, height = image.size
            image.verify()  # of a PNG, the sums over all its parts
    except Image.DecompressionBombError:
        return FileRefusal.TOO_DEMANDING
    except (OSError, SyntaxError, ValueError):
        return FileRefusal.OTHER_CONTENT
    return FileRefusal.TOO_DEMANDING if scans > MOST_SCANS or width * height > MOST_PIXELS else None


def count_scans(content: bytes) -> int | None:
    """Count the scans of a JPEG by its segments, up to one more than are kept; None if it is none, or broken off."""
    place, scans = len(JPEG_HEAD), 0
    if not content.startswith(JPEG_HEAD):
        return None
    for _segment in range(MOST_SEGMENTS):
        marker = JPEG_MARKER.search(content, place)
        if marker is None:
            return None
        if marker[1] == END_OF_IMAGE:
            return scans
        scans += marker[1] == START_OF_SCAN
        if scans > MOST_SCANS:
            return scans
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
    return None


def harmless_name(name: str) -> str:
    """Return a file's name without folders, control characters and marks that turn text round, and not too long."""
    own = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    seen = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in own)
    stem, dot, ending = " ".join(re.sub(r'["<>:|?*%;]', "_", seen).split()).rpartition(".")
    stem = stem.strip(". ") or "document"
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending.lower()}"
