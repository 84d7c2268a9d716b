"""Write the lines of the ledger's files, as CSV, as a journal or as Parquet."""

# ruff: noqa: PLC0415 - Parquet is imported where there is some

import io
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

PIECE: Final = 2**22
"""Bytes of CSV that become a batch of Parquet."""


def write_lines(file: IO[bytes], head: bytes, rows: Iterable[bytes], tail: bytes) -> int:
    """Write rows between a head and a tail, and return how many."""
    written = 0
    file.write(head)
    for written, row in enumerate(rows, start=1):  # noqa: B007 - the count is what is returned
        file.write(row)
    file.write(tail)
    return written


def write_parquet(file: IO[bytes], head: bytes, rows: Iterable[bytes]) -> int:
    """Write rows of CSV as Parquet, typed, some megabytes at a time, and return how many."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    text, whole = pa.string(), pa.int64()
    types = {
        **dict.fromkeys(("posting", "entry", "product_version"), whole),
        **dict.fromkeys(("code", "loan", "product", "debit", "credit", "currency"), text),
        "effective_date": pa.date32(),
        "booked_at": pa.timestamp("us", "UTC"),
        "amount": pa.decimal128(23, 4),  # a bigint, with as many decimals as any currency has
    }
    names = head.decode().strip().split(",")
    schema = pa.schema([(name, types[name]) for name in names])
    reading = csv.ReadOptions(column_names=names)
    converting = csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    written = 0

    def batch_of(piece: bytes) -> Any:  # noqa: ANN401 - pyarrow has no types
        return csv.read_csv(io.BytesIO(piece), read_options=reading, convert_options=converting)

    with parquet.ParquetWriter(file, schema) as writer:
        for piece in _pieces(rows):
            batch = batch_of(piece)
            writer.write_table(batch)
            written += len(batch)
    return written


def _pieces(rows: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for row in rows:
        held += row
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
