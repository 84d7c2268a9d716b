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
    """Decide whether a file is kept."""
    if not content:
        return FileRefusal.EMPTY
    if len(content) > LARGEST:
        return FileRefusal.TOO_LARGE
    kind = kind_of(name)
    if kind is None:
        return FileRefusal.OTHER_ENDING
    return None if is_of_kind(kind, content) else FileRefusal.OTHER_CONTENT


def is_of_kind(kind: DocumentKind, content: bytes) -> bool:
    """Tell whether a file is what it is said to be: an image as far as it can be read, a PDF from head to tail."""
    if kind is DocumentKind.PDF:
        tail = content[-PDF_TAIL:]
        return PDF_HEAD.match(content) is not None and b"startxref" in tail and b"%%EOF" in tail
    return _is_image(kind, content)


def _is_image(kind: DocumentKind, content: bytes) -> bool:
    try:
        with Image.open(BytesIO(content), formats=[kind]) as image:
            if kind is DocumentKind.PNG:
                image.verify()  # the sums over all its parts, without unpacking a pixel
            else:
                image.draft("L", (1, 1))  # an eighth of its size, each way: all of it is read, little is kept
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


def harmless_name(name: str) -> str:
    """Return a file's name without folders, control characters and marks that turn text round, and not too long."""
    own = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    seen = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in own)
    stem, dot, ending = " ".join(re.sub(r'["<>:|?*%;]', "_", seen).split()).rpartition(".")
    stem = stem.strip(". ") or "document"
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending.lower()}"
