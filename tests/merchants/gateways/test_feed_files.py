import csv
import gzip
import io
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from merchants.gateways import feed_files
from merchants.gateways.feed_blocks import blocks_of
from merchants.gateways.feed_files import (
    LONGEST_ROW,
    find_file,
    open_feed_file,
    records_of,
    rows_of,
    write_feed_file,
)
from merchants.gateways.feed_head import FeedFile, UnreadableFeed

HEADER = "external_id,merchant,amount\n"


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path) -> list[tuple[int, dict[str, str] | str]]:
    return list(rows_of(open_feed_file(path, ("external_id",))))


def test_rows_come_with_their_lines_and_texts_by_column(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", HEADER + '1,kiln,5.00\n\n2,"barn, ""old"" mill",\n')
    assert rows(path) == [
        (1, {"external_id": "1", "merchant": "kiln", "amount": "5.00"}),
        (3, {"external_id": "2", "merchant": 'barn, "old" mill', "amount": ""}),
    ]


def test_a_broken_row_does_not_hide_the_next(tmp_path: Path) -> None:
    """Red if the reader stopped at the first error, or the decoder at the first bad byte."""
    huge = b"9" * 200_000
    content = HEADER.encode() + b"1,kiln\n2,caf\xe9,5\n3,kiln,5,5\n4,kiln," + huge + b"\n5,a\x00b,5\n6,kiln,5\n"
    found = rows(written(tmp_path / "t.csv", content))
    assert [line for line, _ in found] == [1, 2, 3, 4, 5, 6]
    assert found[0][1] == "2 cells instead of 3"
    assert found[1][1] == {"external_id": "2", "merchant": "caf\udce9", "amount": "5"}
    assert found[2][1] == "4 cells instead of 3"
    assert "field" in found[3][1]
    assert found[4][1] == {"external_id": "5", "merchant": "a\x00b", "amount": "5"}
    assert found[5][1] == {"external_id": "6", "merchant": "kiln", "amount": "5"}


NOTE = 'innocent\r\nT666,shop,SALE,2024-05-02T10:00:00+00:00,o666,9999.00,b9,\nmore "words", and more'


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_line_break_inside_a_quoted_cell_writes_no_row(tmp_path: Path, ending: str) -> None:
    """Red if each line of a file is a row: whoever writes a text on the platform could write sales."""
    path = tmp_path / f"t.{ending}"
    write_feed_file(path, ["external_id", "note"], [("1", NOTE), ("2", "plain"), ("3", NOTE)])
    assert rows(path) == [
        (1, {"external_id": "1", "note": NOTE}),
        (4, {"external_id": "2", "note": "plain"}),
        (5, {"external_id": "3", "note": NOTE}),
    ]


def test_a_carriage_return_alone_writes_no_row(tmp_path: Path) -> None:
    """Red if it ended a line: writers that end theirs in a line feed leave it unquoted."""
    path = written(tmp_path / "t.csv", HEADER + "1,x\rT666,9999.00\n2,kiln,5\n")
    assert [(line, isinstance(row, str)) for line, row in rows(path)] == [(1, True), (2, False)]


def test_rows_are_counted_from_the_end_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", 'external_id,"a\n""b"""\n1,2\n3\n')
    assert rows(path) == [(1, {"external_id": "1", 'a\n"b"': "2"}), (2, "1 cells instead of 2")]


def test_a_quote_that_is_never_closed_says_which_lines_it_spoils(tmp_path: Path) -> None:
    """And a row too long is not kept: memory stays flat, and what it encloses is not read as rows."""
    path = written(tmp_path / "t.csv", HEADER + '1,kiln,5\n2,"barn,5\n3,kiln,5\n4,kiln,5\n')
    assert rows(path) == [
        (1, {"external_id": "1", "merchant": "kiln", "amount": "5"}),
        (2, "unexpected end of data (lines 2 to 4)"),
    ]
    long = "x,y,5\n" * 200_000
    path = written(tmp_path / "t.csv", HEADER + f'1,"{long}",5\n2,kiln,5\n')
    assert rows(path) == [
        (1, "the row has more than 1,000,000 characters (lines 1 to 200001)"),
        (200_002, {"external_id": "2", "merchant": "kiln", "amount": "5"}),
    ]


def records(pieces: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
    return list(records_of(pieces))


@given(st.lists(st.sampled_from(['"', '""', '"""\n', ",", ',"', "\n", "a\r\n", 'a"']), max_size=12), st.integers(1, 4))
@example(['"""\n', "a\r\n"], 1)
def test_a_line_in_pieces_is_the_same_row(texts: list[str], most: int) -> None:
    """Red if a quote at the end of a piece were judged without what follows it, or a piece counted as a line."""
    content = "".join(texts).encode()
    pieces = iter(partial(io.BytesIO(content).readline, most), b"")
    assert records(pieces) == records(io.BytesIO(content))


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Fail if more memory than so many bytes is in use at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def long_line(path: Path) -> Path:
    """Write a small packed file with a line of 24 MB between two rows."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(HEADER.encode() + b"1,kiln,5\n2,")
        for _ in range(24):
            file.write(b"9" * 10**6)
        file.write(b",5\n3,kiln,5\n")
    return path


def test_an_enormous_line_is_a_broken_row_and_never_kept(tmp_path: Path) -> None:
    """Red if it were read at once, by rows or by blocks: a packed file of some MB would fill any memory."""
    file = open_feed_file(long_line(tmp_path / "t.csv.gz"), ())
    broken = (2, f"the row has more than {LONGEST_ROW:,} characters")
    with at_most(20 * 10**6):
        assert list(rows_of(file))[1:2] == [broken]
    with at_most(20 * 10**6):
        blocks = list(blocks_of(file, wanted=file.columns, lines_a_block=1_000))
    assert [line for block in blocks for line in block.lines.tolist()] == [1, 3]
    assert [row for block in blocks for row in block.others] == [broken]


@pytest.mark.parametrize("beginning", ["", '"'])
def test_of_enormous_column_names_only_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    """Red if a web process unpacked all of them, for a form."""
    path = written(
        tmp_path / "t.csv.gz", packed(beginning + "external_id," + "x,\n" * 2**20 * bool(beginning) + "x" * 2**20)
    )
    monkeypatch.setattr(feed_files, "LONGEST_HEADER", 100)
    with at_most(2**19), pytest.raises(UnreadableFeed, match="more than 100 bytes"):
        open_feed_file(path, ())


def test_a_quote_inside_a_cell_that_is_not_quoted_is_text(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", HEADER + '1,6" pipe,5\n2, "barn,5\n3,"a"b,5\n4,"",5\n')
    assert rows(path) == [
        (1, {"external_id": "1", "merchant": '6" pipe', "amount": "5"}),
        (2, {"external_id": "2", "merchant": ' "barn', "amount": "5"}),
        (3, "',' expected after '\"'"),
        (4, {"external_id": "4", "merchant": "", "amount": "5"}),
    ]


STRANGE = [*"',;\n\r\t \\\ufeff\x85\u2028é茶x#=", '"', '""', "\r\n", "NULL"]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_ten_thousand_rows_of_strange_text_are_read_as_they_were_written(tmp_path: Path, ending: str) -> None:
    chance = Random(4180)  # noqa: S311 - no secret
    names = ["external_id", 'a "b"\n', "c"]
    sent = [["".join(chance.choices(STRANGE, k=chance.randrange(6))) for _ in names] for _ in range(10_000)]
    path = tmp_path / f"t.{ending}"
    assert write_feed_file(path, names, sent) == len(sent)
    assert [row for _, row in rows(path)] == [dict(zip(names, cells, strict=True)) for cells in sent]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=2, max_size=2), max_size=8))
def test_what_another_program_quoted_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("feed") / "t.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["external_id", "b"], *cells])
    assert [row for _, row in rows(path)] == [{"external_id": first, "b": second} for first, second in cells]


def test_the_mark_of_a_spreadsheet_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", b"\xef\xbb\xbf" + HEADER.encode() + b"1,kiln,5\n")
    assert open_feed_file(path, ("external_id",)).columns == ("external_id", "merchant", "amount")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column external_id (found none)"),
        ("merchant,amount\n1,2\n", "no column external_id (found merchant, amount)"),
        ("external_id,amount,amount\n", "stands twice"),
        (HEADER.encode("utf-16"), "no column external_id"),
    ],
)
def test_a_header_that_does_not_do_is_refused(tmp_path: Path, content: bytes | str, words: str) -> None:
    path = written(tmp_path / "t.csv", content)
    with pytest.raises(UnreadableFeed) as refused:
        open_feed_file(path, ("external_id",))
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(path))
    str(refused.value).encode()  # it can be printed


def test_unknown_columns_are_named_and_can_be_printed(tmp_path: Path) -> None:
    file = open_feed_file(written(tmp_path / "t.csv", b"external_id,colour,caf\xe9\n"), ("external_id",))
    assert file.unknown_columns(["external_id", "amount"]) == ["colour", "caf\N{REPLACEMENT CHARACTER}"]


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def test_a_file_that_breaks_off_says_after_which_row(tmp_path: Path) -> None:
    many = packed(HEADER + "".join(f"{number},kiln,{number * 7919 % 100}.00\n" for number in range(20_000)))
    for content in (many[: len(many) // 2], many[: len(many) // 2] + b"\xff" * 400 + many[len(many) // 2 + 400 :]):
        file = open_feed_file(written(tmp_path / "t.csv.gz", content), ("external_id",))
        with pytest.raises(UnreadableFeed, match=r"breaks off after row \d+") as refused:
            list(rows_of(file))
        assert str(file.path) in str(refused.value)


@pytest.mark.parametrize("content", [b"external_id\n1\n", b"", b"\x1f\x8b" + b"\xff" * 40])
def test_what_is_no_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFeed):
        rows(written(tmp_path / "t.csv.gz", content))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFeed, match=r"t\.parquet"):
        rows(written(tmp_path / "t.parquet", b"PAR1 is not enough"))


def test_typed_cells_of_parquet_become_the_texts_of_a_csv(tmp_path: Path) -> None:
    """Red for str(): pandas writes whole numbers with gaps as floats, and Decimal writes a small zero as 0E-8."""
    path = tmp_path / "t.parquet"
    duckdb.sql(
        "SELECT 7::bigint AS external_id, 'kiln' AS merchant, 12.50::decimal(18, 2) AS price,"
        " 0::decimal(38, 8) AS nothing, 5.0::double AS value, 2.25::double AS share, true AS bad,"
        " DATE '2026-03-02' AS opened_on, TIMESTAMP '2026-03-02 09:30:00' AS occurred_at, NULL::varchar AS buyer"
    ).write_parquet(str(path))
    assert rows(path) == [
        (
            1,
            {
                "external_id": "7",
                "merchant": "kiln",
                "price": "12.50",
                "nothing": "0.00000000",
                "value": "5",
                "share": "2.25",
                "bad": "1",
                "opened_on": "2026-03-02",
                "occurred_at": "2026-03-02 09:30:00",
                "buyer": "",
            },
        )
    ]


def test_a_file_is_found_by_its_name_whatever_its_ending(tmp_path: Path) -> None:
    assert find_file(tmp_path, "merchants") is None
    for ending in (".parquet", ".csv.gz", ".csv"):
        path = written(tmp_path / f"merchants{ending}", "")
        assert find_file(tmp_path, "merchants") == path
    (tmp_path / "outcomes.csv").mkdir()
    assert find_file(tmp_path, "outcomes") is None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFeed, match="No such file"):
        open_feed_file(tmp_path / "t.csv", ())
    assert FeedFile(path=tmp_path, columns=("a",)).unknown_columns(["a"]) == []


def test_a_quote_that_is_never_closed_spoils_what_it_encloses_and_says_so(tmp_path: Path) -> None:
    """Red if reading went on behind it: of a file cut short inside a quoted text, the text's lines would be rows."""
    lines = [f"{number},kiln,1.00\n" for number in range(5_000)]
    lines[10] = '"10,kiln,1.00\n'
    found = rows(written(tmp_path / "t.csv", HEADER + "".join(lines)))
    assert [line for line, row in found if not isinstance(row, str)] == list(range(1, 11))
    assert found[10:] == [(11, "unexpected end of data (lines 11 to 5000)")]


def test_between_tabs_a_quote_is_text_and_ends_no_line(tmp_path: Path) -> None:
    """Red if a SKU that begins with a quote takes in the lines up to the next one."""
    path = written(tmp_path / "t.txt", b'a\tb\n"x\ty\nq,"\tz\n1\n' + b'v"' * 2_000_000 + b"\tw\n9\t9\n")
    rows = list(rows_of(open_feed_file(path, ("a", "b"), "\t")))
    assert rows[:3] == [(1, {"a": '"x', "b": "y"}), (2, {"a": 'q,"', "b": "z"}), (3, "1 cells instead of 2")]
    assert [(line, str(row)[:35]) for line, row in rows[3:]] == [
        (4, "the row has more than 1,000,000 cha"),
        (5, "{'a': '9', 'b': '9'}"),
    ]
