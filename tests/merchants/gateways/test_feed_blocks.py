"""Blocks hold the rows that `rows_of` yields, on the same lines."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from merchants.gateways.feed_blocks import WINDOW, blocks_of
from merchants.gateways.feed_files import LONGEST_PIECE, Row, open_feed_file, rows_of
from merchants.gateways.feed_head import FeedFile, UnreadableFeed

HEADER = "external_id,merchant,amount\n"


def unblocked(file: FeedFile, lines_a_block: int) -> tuple[dict[int, Row], int]:
    """Give the rows of all blocks by line, and how many came in columns."""
    found, plain = dict[int, Row](), 0
    for block in blocks_of(file, wanted=file.columns, lines_a_block=lines_a_block):
        assert len(block) == len(block.lines) + len(block.others) > 0
        rows = {**dict(zip(block.lines.tolist(), block.cells.to_pylist(), strict=True)), **dict(block.others)}
        assert not rows.keys() & found.keys()
        assert block.span == (min(rows), max(rows))
        found |= rows
        plain += len(block.lines)
    return found, plain


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        ("1,kiln,5\n2,barn,6\n3,mill,7", 3),
        ("1,kiln,5\r\n\r\n2,barn,6\r\n\n3,mill,7\r\n", 3),
        ("\n\n1,kiln,5\n", 1),
        ('1,"ki\nln",5\n2,barn,6\n3,"a\n\n\nb",7\n4,mill,8\n', 2),
        ('1,kiln,5\n2,"never closed,6\n3,mill,7\n', 1),
        ("1,kiln\n2,barn,6,7\n3,mill,7\n,,\n", 2),
        ("\ufeff1,kiln,5\n\ufeff2,barn,6\n3,\ufeff,7\n", 1),
        ("1,ki\rln,5\n2,barn,6\r\r\n3,mill,7\n", 1),
        (f"1,{'x' * 2 * WINDOW},5\n2,{'x' * 3 * WINDOW},6\n3,mill,7\n", 1),
        (f"1,kiln,5\n2,{'x' * LONGEST_PIECE},6\n3,mill,7\n", 1),
        (f'1,kiln,5\n2,"{"x," * LONGEST_PIECE}"\n4,"a\n{"y" * LONGEST_PIECE}""\n5,b,5\n",7\n6,mill,8', 2),
        ("1,caf\udce9,5\n2,a\0b,6\n3,mill,7\n", 1),
        ("", 0),
        ("\n\n", 0),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_block_holds_the_rows_on_their_lines(tmp_path: Path, content: str, plain: int, ending: str) -> None:
    """Red if a line that is no row of its own were taken for one, or an empty one shifted those behind it."""
    path = tmp_path / f"t.{ending}"
    data = (HEADER + content).encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(data) if ending == "csv.gz" else data)
    file = open_feed_file(path, ())
    for lines_a_block in (1, 2, 3, 100_000):
        found, in_columns = unblocked(file, lines_a_block)
        assert found == dict(rows_of(file))
        assert in_columns >= plain


def test_one_column_is_read_too(tmp_path: Path) -> None:
    """Red if an empty line were a row of one empty cell."""
    path = tmp_path / "t.csv"
    path.write_text("external_id\n1\n\n2\n")
    assert unblocked(open_feed_file(path, ()), 10) == ({1: {"external_id": "1"}, 3: {"external_id": "2"}}, 2)


def test_a_block_has_no_more_lines_than_wanted_and_only_the_wanted_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "".join(f"{number},kiln,{number}\n" for number in range(2_500)))
    blocks = list(blocks_of(open_feed_file(path, ()), wanted=["amount", "colour"], lines_a_block=1_000))
    assert [block.span for block in blocks] == [(1, 1_000), (1_001, 2_000), (2_001, 2_500)]
    assert {tuple(block.cells.column_names) for block in blocks} == {("amount",)}


def test_a_file_that_breaks_off_says_after_which_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress((HEADER + "".join(f"{n},kiln,{n * 7919 % 9973}\n" for n in range(20_000))).encode())
    path.write_bytes(whole[: len(whole) // 2])
    blocks = blocks_of(open_feed_file(path, ()), wanted=["amount"], lines_a_block=1_000)
    with pytest.raises(UnreadableFeed, match=r"t\.csv\.gz breaks off after row \d000"):
        list(blocks)


def test_a_damaged_page_of_parquet_breaks_off_after_the_rows_before_it(tmp_path: Path) -> None:
    """Red if what pyarrow raises of it came through: no caller takes that for a broken file."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"amount": [f"{n * 7919 % 9973}" for n in range(20_000)]}), path, row_group_size=5_000)
    at = parquet.ParquetFile(path).metadata.row_group(3).column(0).data_page_offset
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + b"\xff" * 40 + whole[at + 40 :])
    file = open_feed_file(path, ())
    with pytest.raises(UnreadableFeed, match=r"t\.parquet breaks off after row 15000"):
        list(blocks_of(file, wanted=["amount"], lines_a_block=5_000))
    with pytest.raises(UnreadableFeed, match=r"t\.parquet breaks off after row \d+"):
        list(rows_of(file))


def not_utf8() -> pa.Array:
    return pa.StringArray.from_buffers(3, *pa.array([b"\xff", b"b", b"c"]).buffers()[1:])


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        (lambda: pa.array(["a", None, "é茶"]), 3),
        (lambda: pa.array([Decimal("1.50"), None, Decimal("0.00")]), 3),
        (lambda: pa.array([1.5, float("nan"), 2.0]), 3),
        (lambda: pa.array([datetime(2026, 2, 1, tzinfo=UTC)] * 3), 3),
        (lambda: pa.array(["a", "b\0", "c"]), 0),
        (lambda: pa.array([b"a", b"\xe9", None]), 0),
        (not_utf8, 0),
    ],
)
def test_parquet_comes_in_columns_where_all_of_it_is_text(
    tmp_path: Path, column: Callable[[], pa.Array], plain: int
) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"external_id": pa.array([1, 2, 3]), "cell": column()}), path)
    file = open_feed_file(path, ())
    for rows_a_block in (2, 100):
        found, in_columns = unblocked(file, rows_a_block)
        assert found == dict(rows_of(file))
        assert in_columns >= plain
