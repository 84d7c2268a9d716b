"""Read feed files of Parquet, their typed cells as the texts that a CSV would have; write such files."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from merchants.gateways.feed_head import FeedFile, UnreadableFeed, broken_off

AT_ONCE = 50_000
EXACT_IN_32_BITS = 2**24


def write_parquet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows of texts, and return how many."""
    rows, written = iter(rows), 0
    schema = pa.schema([(column, pa.string()) for column in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(rows, AT_ONCE)):
            cells = [pa.array([cell or None for cell in column]) for column in zip(*chunk, strict=True)]
            writer.write_table(pa.table([cell.cast(pa.string()) for cell in cells], schema=schema))
            written += len(chunk)
    return written


def open_parquet(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Open a Parquet file. Raises UnreadableFeed."""
    try:
        return parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: {error}"
        raise UnreadableFeed(message) from error


def batches_of(file: FeedFile, names: list[str] | None, rows_a_batch: int) -> Iterator[tuple[int, Any]]:
    """Yield the named columns, or all, of a Parquet file in batches, each with how many rows come before it.

    Raises UnreadableFeed where the file breaks off.
    """
    done = 0
    opened = open_parquet(file.path)
    try:
        for batch in opened.iter_batches(batch_size=rows_a_batch, columns=names):
            yield done, batch
            done += len(batch)
    except (OSError, pa.ArrowException) as error:
        raise broken_off(file, done, error) from error


def parquet_rows(file: FeedFile) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with its number from 1. Raises UnreadableFeed where the file breaks off."""
    for done, batch in batches_of(file, None, AT_ONCE):
        columns = [texts_of(column) for column in batch.columns]
        for line, cells in enumerate(zip(*columns, strict=True), start=done + 1):
            yield line, dict(zip(batch.schema.names, cells, strict=True))


def texts_of(column: Any) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    """Convert a typed column to texts; an unreadable cell becomes a text for which only its own row is rejected."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        whole = column.cast(pa.timestamp("us", kind.tz), safe=False)
        same = [left == right for left, right in zip(whole.cast(kind), column, strict=True)]
        texts = texts_of(whole)
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
