"""Keep the seals outside the database too: a line of JSON each, appended to a file and forced to the disk."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from config.db.transactions import operation
from config.disk import force_directory
from config.kernel.calendar import micros
from config.kernel.canonical import canonical_json
from config.kernel.documents import load
from config.office.models import AuditProgress, AuditSeal

TAIL: Final = 65_536
"""Bytes at the end of a file in which its last whole line is looked for; a line has some 200."""
FIELDS: Final = frozenset({"seal", "after_event", "last_event", "events", "bounded_at", "sealed_at", "digest"})


class OtherSeals(Exception):
    """The file ends with a seal that the database does not have: seals were cut, or it is another database's file."""


def record_of(seal: AuditSeal) -> dict[str, Any]:
    """Return what a line says of a seal; moments in microseconds since 1970."""
    return {
        "seal": seal.pk,
        "after_event": seal.after_event,
        "last_event": seal.last_event,
        "events": seal.events,
        "bounded_at": None if seal.bounded_at is None else micros(seal.bounded_at),
        "sealed_at": micros(seal.sealed_at),
        "digest": seal.digest,
    }


def records_in(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Read the seals that lines tell of; a line that a dying worker left unfinished tells of none."""
    for line in lines:
        try:
            record = load(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.keys() == FIELDS and isinstance(record["seal"], int):
            yield record


def write_seals(path: Path) -> None:
    """Append the seals that the file does not have yet. Raises OtherSeals, OSError.

    It goes on after the file's own last line: a worker that dies between a seal and its line leaves no hole.
    """
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, is_torn = _end_of(file)
        known = AuditSeal.objects.filter(pk=0 if last is None else last["seal"]).first()
        if last is not None and (known is None or record_of(known) != last):
            raise OtherSeals(path, last["seal"])
        missing = AuditSeal.objects.filter(pk__gt=0 if known is None else known.pk).order_by("pk")
        seal = known
        if is_torn:  # what was begun stays as a line of its own: the file may allow nothing but appending
            file.write(b"\n")
        for seal in missing.iterator(chunk_size=1_000):
            file.write(canonical_json(record_of(seal)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if known is None:
        force_directory(path.parent)
    if seal is not None:
        with operation():
            AuditProgress.objects.filter(pk=1).exclude(written=seal.pk).update(written=seal.pk)


def _end_of(file: IO[bytes]) -> tuple[dict[str, Any] | None, bool]:
    """Return the last seal of a file, and whether its last line was begun and not ended."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read()
    last = None
    for last in records_in(tail.splitlines()):  # noqa: B007 - the last one counts
        pass
    return last, not tail.endswith(b"\n") and bool(tail)
