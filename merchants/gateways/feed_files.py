"""Read feed files row by row, so that one broken row spoils no other; write such files.

CSV is framed as RFC 4180 has it: a line break inside a quoted cell is text of that cell, never the end of a row.
Whoever may write a text on a marketplace cannot thereby write rows. What Parquet needs is imported where there is some:
it takes more memory than all else that a worker imports.
"""

# ruff: noqa: PLC0415

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal

from merchants.gateways.feed_head import FeedFile, UnreadableFeed, broken_off

UNREADABLE = (OSError, EOFError, zlib.error)
COUNTED_AT_ONCE = 2**24
LONGEST_ROW = 1_000_000
"""Characters; a longer row is rejected without being kept, so a quote that is never closed fills no memory."""
LONGEST_HEADER = 2**16
LONGEST_PIECE = 2**20
"""Bytes; of a longer line only so much is read at once: packed, an enormous one is a small file."""
Row = dict[str, str] | str
ENDINGS = (".csv", ".csv.gz", ".parquet")


def find_file(directory: Path, name: str) -> Path | None:
    """Find `name` with one of the known extensions."""
    return next((path for ending in ENDINGS if (path := directory / f"{name}{ending}").is_file()), None)


def is_parquet(path: Path) -> bool:
    """Check whether a file is read as Parquet; as everywhere, in endings upper case is lower case."""
    return path.suffix.lower() == ".parquet"


def open_feed_file(path: Path, required: Sequence[str], separator: str = ",") -> FeedFile:
    """Read the column names. Raises UnreadableFeed if a required one is missing or one is repeated."""
    try:
        if is_parquet(path):
            from merchants.gateways.feed_parquet import open_parquet

            columns = tuple(open_parquet(path).schema_arrow.names)
        else:
            with open_lines(path) as stream:
                names = _cells(_header_of(stream), separator)
                columns = tuple(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names)
    except (*UNREADABLE, csv.Error) as error:
        message = f"{path}: {error}"
        raise UnreadableFeed(message) from error
    missing = [column for column in required if column not in columns]
    if missing:
        message = f"{path}: no column {', '.join(missing)} (found {', '.join(columns)[:200] or 'none'})"
        raise UnreadableFeed(message)
    if len(set(columns)) < len(columns):
        message = f"{path}: a column stands twice ({', '.join(columns)[:200]})"
        raise UnreadableFeed(message)
    return FeedFile(path=path, columns=columns, separator=separator)


def _beginning_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines, or parts of them, of one byte more than a header may have; no byte is read before it is needed."""
    left = LONGEST_HEADER + 1
    while left and (piece := stream.readline(left)):
        left -= len(piece)
        yield piece


def _header_of(stream: IO[bytes]) -> bytes:
    """Return the first record, with no more read than it may have. Raises csv.Error for a longer one."""
    header = next(records_of(_beginning_of(stream)), (1, 1, b""))[2]
    if len(header) > LONGEST_HEADER:
        message = f"the column names have more than {LONGEST_HEADER:,} bytes"
        raise csv.Error(message)
    return header


def count_lines(file: FeedFile, *, meanwhile: Callable[[], object]) -> int:
    """Count what the file has at most in rows, without parsing any. Raises UnreadableFeed.

    meanwhile: called after every COUNTED_AT_ONCE bytes; a large file takes minutes.
    """
    if is_parquet(file.path):
        from merchants.gateways.feed_parquet import open_parquet

        return int(open_parquet(file.path).metadata.num_rows)
    try:
        with open_lines(file.path) as stream:
            lines = 0
            while part := stream.read(COUNTED_AT_ONCE):
                lines += part.count(b"\n")
                if len(part) == COUNTED_AT_ONCE:
                    meanwhile()
            return lines
    except UNREADABLE as error:
        message = f"{file.path}: {error}"
        raise UnreadableFeed(message) from error


def rows_of(file: FeedFile) -> Iterator[tuple[int, Row]]:
    """Yield each row with the line it begins on, counted from 1 after the header: texts by column, or what is wrong.

    A quote that is never closed spoils its own row and what it encloses; that row says so. Bytes that are not UTF-8
    come through as lone surrogates, which are rejected with their row. Raises UnreadableFeed where the file itself
    breaks off (a truncated gzip).
    """
    if is_parquet(file.path):
        from merchants.gateways.feed_parquet import parquet_rows

        yield from parquet_rows(file)
        return
    line = 0
    with open_lines(file.path) as stream:
        records = records_of(pieces_of(stream), is_quoted=file.separator == ",")
        height = next(records, (1, 1, b""))[1]
        try:
            for begins, ends, record in records:
                line = begins - height
                yield from row_of(file.columns, line, ends - height, record, file.separator)
        except UNREADABLE as error:
            raise broken_off(file, line, error) from error


def row_of(
    columns: Sequence[str], line: int, ends: int, record: bytes, separator: str = ","
) -> Iterator[tuple[int, Row]]:
    """Yield the row of a record, unless it is an empty line."""
    try:
        cells = _cells(record, separator)
    except csv.Error as error:
        yield line, f"{error} (lines {line} to {ends})" if ends > line else str(error)
        return
    if len(cells) == len(columns):
        yield line, dict(zip(columns, cells, strict=True))
    elif cells:
        yield line, f"{len(cells)} cells instead of {len(columns)}"


def pieces_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left line by line; of a line longer than LONGEST_PIECE, piece by piece."""
    return iter(partial(stream.readline, LONGEST_PIECE), b"")


def records_of(pieces: Iterable[bytes], *, is_quoted: bool = True) -> Iterator[tuple[int, int, bytes]]:
    """Join the lines of each row, and yield it with the numbers of its first and last line, from 1.

    pieces: lines, or parts of lines. Of a row longer than LONGEST_ROW so much is kept that it shows; one that ends
    inside quotes is not a valid row.
    """
    held, size, begins, number, is_open, before = list[bytes](), 0, 1, 1, False, b""
    for piece in pieces:
        if size <= 4 * LONGEST_ROW:  # no character has more bytes
            held.append(piece)
        size += len(piece)
        if not piece.endswith(b"\n"):
            is_open, before = _state_behind(before + piece, is_open=is_open) if is_quoted else (False, b"x")
            continue
        is_open, before = is_quoted and _leaves_open(before + piece, is_open=is_open), b""
        if not is_open:
            yield begins, number, b"".join(held)
            held, size, begins = [], 0, number + 1
        number += 1
    if held:
        yield begins, number if before else number - 1, b"".join(held)


def _state_behind(part: bytes, *, is_open: bool) -> tuple[bool, bytes]:
    """Return, of a part of a line, whether a quoted cell goes on after it, and what stands for it before the next part.

    A quote that ends a cell at the very end may be the first of two: it is looked at again, with what follows.
    """
    leaves_open = _leaves_open(part, is_open=is_open)
    if not part.endswith(b'"'):
        return leaves_open, part[-1:]
    if not leaves_open and _leaves_open(part[:-1], is_open=is_open):
        return True, b'"'
    return leaves_open, b"x"


def _leaves_open(line: bytes, *, is_open: bool) -> bool:
    """Return whether a quoted cell goes on after the line. A quote opens a cell only where the cell begins."""
    place = 0
    while (quote := line.find(b'"', place)) >= 0:
        place = quote + 1
        if is_open and line.startswith(b'"', place):
            place += 1  # a quote inside a quoted cell is doubled
        elif is_open or quote == 0 or line[quote - 1] == ord(","):
            is_open = not is_open
    return is_open


def _cells(record: bytes, separator: str) -> list[str]:
    """Parse one row. Raises csv.Error."""
    text = record.decode("utf-8", "surrogateescape")
    if len(text) > LONGEST_ROW:
        message = f"the row has more than {LONGEST_ROW:,} characters"
        raise csv.Error(message)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    return next(csv.reader([text], delimiter=separator, quoting=quoting, strict=True), [])


def write_feed_file(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows of texts as CSV, gzip or Parquet, by the path's extension, and return how many; memory stays flat.

    Raises UnreadableFeed for another extension, OSError.
    """
    if not path.name.endswith(ENDINGS):
        message = f"{path}: expected a name that ends with {', '.join(ENDINGS)}"
        raise UnreadableFeed(message)
    if is_parquet(path):
        from merchants.gateways.feed_parquet import write_parquet

        return write_parquet(path, columns, rows)
    opened = gzip.open if path.suffix == ".gz" else open
    written = 0
    with io.TextIOWrapper(opened(path, "wb"), encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")  # with both in it, both are quoted in a cell
        writer.writerow(columns)
        for written, row in enumerate(rows, start=1):  # noqa: B007 - the count is what is returned
            writer.writerow(row)
    return written


@contextmanager
def open_lines(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of lines that end in a line feed: a carriage return alone, which some leave unquoted, ends none.

    The mark that spreadsheets put first is skipped: it would become part of the first column's name.
    """
    stream: IO[bytes]
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:  # type: ignore[assignment]
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        yield stream
