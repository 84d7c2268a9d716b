"""Read the files of a feed row by row, so that one broken row never hides the next."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

UNREADABLE = (OSError, EOFError, zlib.error)
ENDINGS = (".csv", ".csv.gz", ".parquet")


class UnreadableFeed(Exception):
    """The feed cannot be read at all; the text says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """One file of a feed and the names of its columns."""

    path: Path
    columns: tuple[str, ...]

    def unknown_columns(self, known: Sequence[str]) -> list[str]:
        """List the columns that will not be read."""
        return [column for column in self.columns if column not in known]


def find_file(directory: Path, name: str) -> Path | None:
    """Find `name` with one of the known endings."""
    return next((path for ending in ENDINGS if (path := directory / f"{name}{ending}").is_file()), None)


def open_feed_file(path: Path, required: Sequence[str]) -> FeedFile:
    """Read the names of the columns. Raises UnreadableFeed if a required one is missing, or one stands twice."""
    try:
        if path.suffix == ".parquet":
            columns = tuple(_parquet(path).schema_arrow.names)
        else:
            with _text(path) as lines:
                columns = tuple(_shown(name) for name in next(csv.reader(lines), []))
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


def rows_of(file: FeedFile) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Give each row with its line, counted from 1 after the header: texts by column, or what is wrong with it.

    Bytes that are not UTF-8 come through as lone surrogates, for the row's judge to refuse.
    Raises UnreadableFeed where the file itself breaks off (a cut gzip).
    """
    if file.path.suffix == ".parquet":
        yield from _parquet_rows(file.path)
        return
    width = len(file.columns)
    with _text(file.path) as lines:
        reader = csv.reader(lines)
        next(reader)
        for line in count(1):
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield line, str(error)
                continue
            except UNREADABLE as error:
                message = f"{file.path} breaks off after row {line - 1}: {error}"
                raise UnreadableFeed(message) from error
            if cells is None:
                return
            if len(cells) == width:
                yield line, dict(zip(file.columns, cells, strict=True))
            elif cells:
                yield line, f"{len(cells)} cells instead of {width}"


def _text(path: Path) -> io.TextIOWrapper:
    opened = gzip.open if path.suffix == ".gz" else open
    # With -sig, for the mark that spreadsheets put first: it would be part of the first column's name.
    return io.TextIOWrapper(opened(path, "rb"), encoding="utf-8-sig", errors="surrogateescape", newline="")


def _shown(name: str) -> str:
    """Make a column's name fit to be printed, whatever bytes it came from."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _parquet(path: Path):  # type: ignore[no-untyped-def] # noqa: ANN202 - pyarrow has no types
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - only with the extra `lake`
    except ImportError as error:
        message = f"{path}: Parquet is read with the extra `lake` installed"
        raise UnreadableFeed(message) from error
    try:
        return parquet.ParquetFile(path)
    except ArrowException as error:
        message = f"{path}: {error}"
        raise UnreadableFeed(message) from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    line = 0
    for batch in _parquet(path).iter_batches(batch_size=50_000):
        for row in batch.to_pylist():
            line += 1
            yield line, {name: _text_of(cell) for name, cell in row.items()}


def _text_of(cell: object) -> str:
    """Write a typed cell as a CSV file would: no exponent, no decimals of a whole number, a flag as 1 or 0."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
