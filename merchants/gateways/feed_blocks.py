"""Read feed files in blocks of columns: the rows that `rows_of` reads, in columns where that is certainly the same."""

import codecs
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from merchants.gateways.feed_files import (
    LONGEST_PIECE,
    UNREADABLE,
    Row,
    is_parquet,
    open_lines,
    pieces_of,
    records_of,
    row_of,
)
from merchants.gateways.feed_head import FeedFile, broken_off
from merchants.gateways.feed_parquet import batches_of, texts_of

LARGEST_BLOCK = 2**26  # bytes; of long lines a block holds fewer
WINDOW = 2**16


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


def blocks_of(file: FeedFile, *, wanted: Sequence[str], lines_a_block: int) -> Iterator[FeedBlock]:
    """Yield the same rows in blocks, none of them empty, with the wanted ones of the file's columns.

    Raises UnreadableFeed where the file breaks off, after the last whole block.
    """
    names = [column for column in file.columns if column in wanted]
    if is_parquet(file.path):
        yield from _parquet_blocks(file, names, lines_a_block)
        return
    with open_lines(file.path) as stream:
        next(records_of(pieces_of(stream)), None)
        done = 0
        try:
            while found := _next_block(file.columns, names, stream, lines_a_block, done):
                done += found[1]
                if len(found[0]):
                    yield found[0]
        except UNREADABLE as error:
            raise broken_off(file, done, error) from error


def _read_lines(stream: IO[bytes], most: int) -> tuple[bytes, int]:
    """Read lines, as many as are left, at most so many, and of very long ones fewer; return how many.

    All are whole but the last, of which there is enough to tell that it is not plain.
    """
    pieces, size, left = list[bytes](), 0, most
    while left and size < LARGEST_BLOCK and (piece := stream.read(left)):  # it has no more lines than bytes
        if not piece.endswith(b"\n"):
            piece += stream.readline(LONGEST_PIECE)
        pieces.append(piece)
        size += len(piece)
        left -= piece.count(b"\n")
        if not piece.endswith(b"\n"):
            left -= 1
            break
    return b"".join(pieces), most - left


def _next_block(
    columns: Sequence[str], names: Sequence[str], stream: IO[bytes], most: int, done: int
) -> tuple[FeedBlock, int] | None:
    """Return a block, and how many lines were read: a few more than `most` if a quoted cell is open behind these."""
    plain, read = _read_lines(stream, most)
    if not plain:
        return None
    others: list[tuple[int, Row]] = []
    numbers = np.arange(done + 1, done + read + 1)
    parsed = _parse(plain, columns, names) if _are_plain(plain) else None
    if parsed is None or parsed[0].num_rows + len(parsed[1]) < read:  # for lines that are empty
        records, begun = list[bytes](), list[int]()
        for begins, ends, record in records_of(chain(io.BytesIO(plain), pieces_of(stream))):
            if record.strip(b"\r\n") and _are_plain(record):
                records.append(record)
                begun.append(done + begins)
            else:
                others += row_of(columns, done + begins, done + ends, record)
            if ends >= read:
                read = ends
                break
        plain, numbers = b"".join(records), np.array(begun, np.int64)
        parsed = _parse(plain, columns, names)
    cells, spoilt = parsed
    for place, record in _chosen(plain, spoilt):
        line = int(numbers[place])
        others += row_of(columns, line, line, record)
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


def _parquet_blocks(file: FeedFile, names: list[str], rows_a_block: int) -> Iterator[FeedBlock]:
    for done, batch in batches_of(file, names, rows_a_block):
        cells = {name: _storable_texts(column) for name, column in zip(names, batch.columns, strict=True)}
        lines, others = np.arange(done + 1, done + len(batch) + 1), list[tuple[int, Row]]()
        if None in cells.values():
            rows = zip(*map(texts_of, batch.columns), strict=True)
            others = [
                (line, dict(zip(names, row, strict=True))) for line, row in zip(lines.tolist(), rows, strict=True)
            ]
            cells, lines = dict.fromkeys(names, pa.array([], pa.string())), lines[:0]
        yield FeedBlock(cells=pa.table(cells), lines=lines, others=others)


def _storable_texts(column: Any) -> Any | None:  # noqa: ANN401 - pyarrow has no types
    """Convert a typed column to texts; None if one of them is not UTF-8, or holds a NUL."""
    try:
        if column.type == pa.string():
            column.validate(full=True)
            texts = column.fill_null("")
        else:
            texts = pa.array(texts_of(column), pa.string())
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    return None if pc.any(pc.match_substring(texts, "\0")).as_py() else texts
