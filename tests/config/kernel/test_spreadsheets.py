"""Spreadsheets run no text as a formula, and read every number as one."""

# ruff: noqa: RUF001 - signs that look alike are what this is about

import csv
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.kernel.spreadsheets import guarded, plain_number


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "+420 777 123 456", "-", "-1+1", "--1", "-1.", "-.5", "-1e5", "-1,5", "-٣",
        "-1\n", "@SUM(A1)", "\ttext", "\rtext", "  =1", " \t text", "\u00a0=1", "\u3000-x",
        "\ufeff=1", "\u200b@x", "\x00=1", "＝1+1", "＋1", "－1+1", "＠x", "-1 % of it",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_might_run_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "'\n'=1"),
        ("Shop;=1+1;x", "Shop;'=1+1;x"),
        ("a|+1", "a|'+1"),
        ("a\t@x", "a\t'@x"),
        ("a; \u200b-1", "a;' \u200b-1"),
        ("a;;=1", "a;;'=1"),
        ('a;"=1', "a;'\"=1"),
        ("one\r\n－2", "one\r'\n'－2"),
        ("=1;=2", "'=1;'=2"),
    ],
)
def test_a_cell_that_begins_within_is_guarded(text: str, guard: str) -> None:
    assert guarded(text) == guard


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a=1", "1-1", "a; b", "a|b=1", "two\nlines", "a, =1", "'=1", "0", "12", "-1", "-12.50",
        "-9223372036854775808", "-0.5 %", "窯", "−1", " 12",
    ],
)  # fmt: skip
def test_what_no_spreadsheet_runs_stays_as_it_is(text: str) -> None:
    """Red if a number below zero became a text, or a name got an apostrophe that it does not have."""
    assert guarded(text) == text


PIECES = st.lists(st.sampled_from([*"=+-@＝,;|\t\r\n\"' 1a", "\u200b", "\ufeff"]) | st.characters(), max_size=12)
TEXTS = PIECES.map("".join)


@given(TEXTS)
def test_no_text_whatever_begins_like_a_formula_once_it_is_guarded(text: str) -> None:
    found = guarded(text)
    assert found.replace("'", "") == text.replace("'", "")
    assert begins_harmlessly(found)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@given(texts=st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=2, max_size=2))
@example(texts=[["Shop;=1+1;x", "a\t=1", 'b|"=1'], ["c\n=1", 'd";=1', '"e;"=1']])
def test_no_cell_begins_like_a_formula_whatever_separates_them(separator: str, texts: list[list[str]]) -> None:
    """Red if a file that is opened with another separator had a cell that is run."""
    file = StringIO(newline="")
    rows = [["Name", "Of", "What"], *([f"n{guarded(one)}", guarded(two), guarded(three)] for one, two, three in texts)]
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    read = list(csv.reader(StringIO(file.getvalue(), newline=""), delimiter=separator))
    assert [cell for row in read for cell in row if not begins_harmlessly(cell)] == []
    assert separator != "," or read == rows


def begins_harmlessly(cell: str) -> bool:
    unseen = [*map(chr, range(32)), *"\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"]
    shown = cell.translate(dict.fromkeys(map(ord, unseen))).lstrip()
    return shown[:1] not in {*"=+-@＝＋－＠"} or plain_number(cell) == cell


@pytest.mark.parametrize(
    ("shown", "plain"),
    [
        ("0", "0"),
        ("1,234", "1234"),
        ("1,234,567.89", "1234567.89"),
        ("1234.5", "1234.5"),
        ("−1,234.50", "-1234.50"),
        ("-12", "-12"),
        ("+7", "7"),
        ("12.5 %", "12.5 %"),
        ("−0.030 %", "-0.030 %"),
        ("9,223,372,036,854,775,807", "9223372036854775807"),
    ],
)
def test_a_number_is_written_as_machines_read_it(shown: str, plain: str) -> None:
    assert plain_number(shown) == plain
    assert guarded(plain) == plain


@pytest.mark.parametrize(
    "text", ["", "–", "a", "3 of 6", "1,23", "12,34,567", "1.2 s", "1,234.00 CNY", ".5", "5.", "1e5", "1\n", "٣"]
)
def test_what_is_no_number_is_left_to_be_a_text(text: str) -> None:
    """Red if part of it were taken for the whole: 3 for "3 of 6"."""
    assert plain_number(text) is None


def test_a_guarded_text_comes_back_whole_from_the_file() -> None:
    texts = ["=1", 'say "hi"', "two\nlines", "a,b;c", "'", "\r=1"]
    file = StringIO(newline="")
    csv.writer(file).writerow([guarded(text) for text in texts])
    [row] = csv.reader(StringIO(file.getvalue(), newline=""))
    assert row == [guarded(text) for text in texts]
