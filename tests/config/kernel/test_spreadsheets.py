"""Spreadsheets run no text as a formula, and read every number as one."""

# ruff: noqa: RUF001 - signs that look alike are what this is about

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.spreadsheets import guarded, plain_number


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "=cmd|' /C calc'!A0", "+1", "+420 777 123 456", "-", "-1+1", "--1", "-1.", "-.5", "-1e5", "-1,5", "-٣",
        "-1\n", "@SUM(A1)", "\t=1", "\r=1", "\ttext", "\rtext", "  =1", "\n=1", " \t text", "\u00a0=1", "\u3000-x",
        "\ufeff=1", "\u200b@x", "\x00=1", "＝1+1", "＋1", "－1+1", "＠x", "-1 % of it",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_might_run_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a=1", "1-1", "'=1", "0", "12", "-1", "-12.50", "-9223372036854775808", "-0.5 %", "窯", "−1", " 12"],
)  # fmt: skip
def test_what_no_spreadsheet_runs_stays_as_it_is(text: str) -> None:
    """Red if a number below zero became a text, or a name got an apostrophe that it does not have."""
    assert guarded(text) == text


@given(st.text())
def test_no_text_whatever_begins_like_a_formula_once_it_is_guarded(text: str) -> None:
    found = guarded(text)
    assert found.removeprefix("'") == text.removeprefix("'") or found == f"'{text}"
    first = found.strip()[:1]
    assert first not in {"=", "+", "@"}
    assert first != "-" or plain_number(found) == found


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
