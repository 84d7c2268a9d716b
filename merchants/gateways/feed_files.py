"""Read feed files row by row, or in blocks of columns, so that one broken row spoils no other; write such files.

CSV is framed as RFC 4180 has it: a line break inside a quoted cell is text of that cell, never the end of a row.
Whoever may write a text on a marketplace cannot thereby write rows.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count, islice
from math import isnan
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

UNREADABLE = (OSError, EOFError, zlib.error)
AT_ONCE = 50_000
EXACT_IN_32_BITS = 2**24
LONGEST_ROW = 1_000_000
"""Characters; a longer row is rejected without being kept, so a quote that is never closed fills no memory."""
LARGEST_BLOCK = 2**26
WINDOW = 2**16
Row = dict[str, str] | str
ENDINGS = (".csv", ".csv.gz", ".parquet")


class UnreadableFeed(Exception):
    """The feed cannot be read at all; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """A file of a feed, and its column names."""

    path: Path
    columns: tuple[str, ...]

    def unknown_columns(self, known: Sequence[str]) -> list[str]:
        """List the columns that will be ignored."""
        return [column for column in self.columns if column not in known]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedBlock:
    """Rows in the order of the file: plain ones in columns of texts, with the line of each, and the others one by one.

    `cells` is a pyarrow Table of UTF-8 without NULs or nulls.
    """

    cells: Any
    lines: npt.NDArray[np.int64]
    others: Sequence[tuple[int, Row]]

    def __len__(self) -> int:
        return len(self.lines) + len(self.others)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last line on which a row begins."""
        ends = [*self.lines[:1].tolist(), *self.lines[-1:].tolist(), *(line for line, _ in self.others)]
        return min(ends), max(ends)


def find_file(directory: Path, name: str) -> Path | None:
    """Find `name` with one of the known extensions."""
    return next((path for ending in ENDINGS if (path := directory / f"{name}{ending}").is_file()), None)


def open_feed_file(path: Path, required: Sequence[str]) -> FeedFile:
    """Read the column names. Raises UnreadableFeed if a required one is missing or one is repeated."""
    try:
        if path.suffix == ".parquet":
            columns = tuple(_parquet(path).schema_arrow.names)
        else:
            with _open(path) as stream:
                names = _cells(next(_records(stream), (1, 1, b""))[2])
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
    return FeedFile(path=path, columns=columns)


def rows_of(file: FeedFile) -> Iterator[tuple[int, Row]]:
    """Yield each row with the line it begins on, counted from 1 after the header: texts by column, or what is wrong.

    A quote that is never closed spoils its own row and what it encloses; that row says so. Bytes that are not UTF-8
    come through as lone surrogates, which are rejected with their row. Raises UnreadableFeed where the file itself
    breaks off (a truncated gzip).
    """
    if file.path.suffix == ".parquet":
        yield from _parquet_rows(file.path)
        return
    line = 0
    with _open(file.path) as stream:
        records = _records(stream)
        height = next(records, (1, 1, b""))[1]
        try:
            for begins, ends, record in records:
                line = begins - height
                yield from _row(file.columns, line, ends - height, record)
        except UNREADABLE as error:
            raise _broken_off(file, line, error) from error


def blocks_of(file: FeedFile, *, wanted: Sequence[str], lines_a_block: int) -> Iterator[FeedBlock]:
    """Yield the same rows in blocks, none of them empty, with the wanted ones of the file's columns.

    Raises UnreadableFeed where the file breaks off, after the last whole block.
    """
    names = [column for column in file.columns if column in wanted]
    if file.path.suffix == ".parquet":
        rows = _parquet_rows(file.path)
        while others := list(islice(rows, lines_a_block)):
            yield FeedBlock(cells=_parse(b"", [], names)[0], lines=np.empty(0, np.int64), others=others)
        return
    with _open(file.path) as stream:
        next(_records(stream), None)
        done = 0
        try:
            while lines := _read_lines(stream, lines_a_block):
                block, read = _block(file.columns, names, lines, stream, done)
                done += read
                if len(block):
                    yield block
        except UNREADABLE as error:
            raise _broken_off(file, done, error) from error


def _read_lines(stream: IO[bytes], most: int) -> tuple[bytes, int] | None:
    """Read whole lines, as many as are left, at most so many, and of very long ones fewer; return how many."""
    pieces, size, left = list[bytes](), 0, most
    while left and size < LARGEST_BLOCK and (piece := stream.read(left)):  # it has no more lines than bytes
        if not piece.endswith(b"\n"):
            piece += stream.readline()
        pieces.append(piece)
        size += len(piece)
        left -= piece.count(b"\n") + (not piece.endswith(b"\n"))
    return (b"".join(pieces), most - left) if pieces else None


def _block(
    columns: Sequence[str], names: Sequence[str], lines: tuple[bytes, int], following: IO[bytes], done: int
) -> tuple[FeedBlock, int]:
    """Return a block of some lines, and how many were read: also the following ones of an open quoted cell."""
    plain, read = lines
    others: list[tuple[int, Row]] = []
    numbers = np.arange(done + 1, done + read + 1)
    parsed = _parse(plain, columns, names) if _are_plain(plain) else None
    if parsed is None or parsed[0].num_rows + len(parsed[1]) < read:  # for lines that are empty
        records, begun = list[bytes](), list[int]()
        for begins, ends, record in _records(chain(io.BytesIO(plain), following)):
            if record.strip(b"\r\n") and _are_plain(record):
                records.append(record)
                begun.append(done + begins)
            else:
                others += _row(columns, done + begins, done + ends, record)
            if ends >= read:
                read = ends
                break
        plain, numbers = b"".join(records), np.array(begun, np.int64)
        parsed = _parse(plain, columns, names)
    cells, spoilt = parsed
    for place, record in _chosen(plain, spoilt):
        line = int(numbers[place])
        others += _row(columns, line, line, record)
    return FeedBlock(cells=cells, lines=np.delete(numbers, spoilt), others=others), read


def _chosen(lines: bytes, places: list[int]) -> Iterator[tuple[int, bytes]]:
    if places:
        each = lines.split(b"\n")
        yield from ((place, each[place]) for place in places)


def _are_plain(lines: bytes) -> bool:
    """Return whether each line is certainly one row at most, and each cell what stands between two commas."""
    return (
        b'"' not in lines
        and b"\0" not in lines
        and (b"\r" not in lines or lines.count(b"\r") == lines.count(b"\r\n"))
        and not lines.startswith(codecs.BOM_UTF8)  # pyarrow would skip it
        and (lines.isascii() or _is_utf8(lines))
        # Where every window has the end of a line, none is longer than two of them, the most that csv takes of a cell.
        and all(lines.find(b"\n", at, at + WINDOW) >= 0 for at in range(0, len(lines) - WINDOW, WINDOW))
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parse(plain: bytes, columns: Sequence[str], names: Sequence[str]) -> tuple[Any, list[int]]:
    """Parse plain lines to a table of texts, without empty ones; return also the places of those that are no rows."""
    spoilt: list[int] = []

    def leave_out(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
        spoilt.append(row.number - 1)
        return "skip"

    if not plain:
        return pa.table({name: pa.array([], pa.string()) for name in names}), spoilt
    table = arrow_csv.read_csv(
        pa.BufferReader(plain),
        read_options=arrow_csv.ReadOptions(column_names=columns, use_threads=False, block_size=len(plain) + 1),
        parse_options=arrow_csv.ParseOptions(quote_char=False, invalid_row_handler=leave_out),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), include_columns=names, check_utf8=False
        ),
    )
    return table, spoilt


def _row(columns: Sequence[str], line: int, ends: int, record: bytes) -> Iterator[tuple[int, Row]]:
    """Yield the row of a record, unless it is an empty line."""
    try:
        cells = _cells(record)
    except csv.Error as error:
        yield line, f"{error} (lines {line} to {ends})" if ends > line else str(error)
        return
    if len(cells) == len(columns):
        yield line, dict(zip(columns, cells, strict=True))
    elif cells:
        yield line, f"{len(cells)} cells instead of {len(columns)}"


def _broken_off(file: FeedFile, line: int, error: Exception) -> UnreadableFeed:
    return UnreadableFeed(f"{file.path} breaks off after row {line}: {error}")


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Join the lines of each row, and yield it with the numbers of its first and last line, from 1.

    Of a row longer than LONGEST_ROW so much is kept that it shows; one that ends inside quotes is not a valid row.
    """
    held, size, begins, number, is_open = list[bytes](), 0, 1, 0, False
    for number, line in enumerate(lines, start=1):
        if not is_open:
            held, size, begins = [], 0, number
        if size <= 4 * LONGEST_ROW:  # no character has more bytes
            held.append(line)
        size += len(line)
        is_open = _leaves_open(line, is_open=is_open)
        if not is_open:
            yield begins, number, b"".join(held)
    if is_open:
        yield begins, number, b"".join(held)


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


def _cells(record: bytes) -> list[str]:
    """Parse one row. Raises csv.Error."""
    text = record.decode("utf-8", "surrogateescape")
    if len(text) > LONGEST_ROW:
        message = f"the row has more than {LONGEST_ROW:,} characters"
        raise csv.Error(message)
    return next(csv.reader([text], strict=True), [])


def write_feed_file(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows of texts as CSV, gzip or Parquet, by the path's extension, and return how many; memory stays flat.

    Raises UnreadableFeed for another extension, OSError.
    """
    if not path.name.endswith(ENDINGS):
        message = f"{path}: expected a name that ends with {', '.join(ENDINGS)}"
        raise UnreadableFeed(message)
    if path.suffix == ".parquet":
        return _write_parquet(path, columns, rows)
    opened = gzip.open if path.suffix == ".gz" else open
    written = 0
    with io.TextIOWrapper(opened(path, "wb"), encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")  # with both in it, both are quoted in a cell
        writer.writerow(columns)
        for written, row in enumerate(rows, start=1):  # noqa: B007 - the count is what is returned
            writer.writerow(row)
    return written


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of lines that end in a line feed: a carriage return alone, which some leave unquoted, ends none.

    The mark that spreadsheets put first is skipped: it would become part of the first column's name.
    """
    stream: IO[bytes]
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:  # type: ignore[assignment]
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        yield stream


def _write_parquet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    rows, written = iter(rows), 0
    schema = pa.schema([(column, pa.string()) for column in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(rows, AT_ONCE)):
            cells = [pa.array([cell or None for cell in column]) for column in zip(*chunk, strict=True)]
            writer.write_table(pa.table([cell.cast(pa.string()) for cell in cells], schema=schema))
            written += len(chunk)
    return written


def _parquet(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    try:
        return parquet.ParquetFile(path)
    except pa.ArrowException as error:
        message = f"{path}: {error}"
        raise UnreadableFeed(message) from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = count(1)
    for batch in _parquet(path).iter_batches(batch_size=AT_ONCE):
        columns = [_texts_of(column) for column in batch.columns]
        for cells in zip(*columns, strict=True):
            yield next(lines), dict(zip(batch.schema.names, cells, strict=True))


def _texts_of(column: Any) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    """Convert a typed column to texts; an unreadable cell becomes a text for which only its own row is rejected."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        whole = column.cast(pa.timestamp("us", kind.tz), safe=False)
        same = [left == right for left, right in zip(whole.cast(kind), column, strict=True)]
        texts = _texts_of(whole)
        return [text if fits else f"{text} and some nanoseconds" for text, fits in zip(texts, same, strict=True)]
    try:
        cells = column.to_pylist()
    except (ValueError, OverflowError):  # a text that is not UTF-8, a year that Python does not have
        cells = [_cell_of(scalar) for scalar in column]
    text_of = _text_of_narrow if kind in {pa.float16(), pa.float32()} else _text_of
    return [text_of(cell) for cell in cells]


def _cell_of(scalar: Any) -> object:  # noqa: ANN401 - pyarrow has no types
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return bytes(scalar.as_buffer())
    except (ValueError, OverflowError) as error:
        return f"unreadable: {error}"


def _text_of(cell: object) -> str:
    """Format a typed cell as a CSV file would: no exponent, no decimals of a whole number, a flag as 1 or 0."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "surrogateescape")
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _text_of_narrow(cell: float | None) -> str:
    """Format a cell of 32 bits or fewer, which cannot hold 12.34, nor every integer from 2**24 on."""
    if cell is None or isnan(cell) or (cell.is_integer() and abs(cell) < EXACT_IN_32_BITS):
        return _text_of(cell)
    return f"32-bit float loses cents: {cell:.7g}"
