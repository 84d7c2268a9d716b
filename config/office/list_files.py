"""The lines of a list's file: what its cells say, as CSV for a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import unescape
from io import StringIO
from typing import Final

from django.utils.safestring import SafeString

from config.kernel.spreadsheets import guarded, plain_number
from config.office.display import Cell, Column, as_cell
from config.office.words import NOTHING

BOM: Final = "\ufeff"
"""By which Excel knows that a file is UTF-8."""
TAG: Final = re.compile("<[^>]*>")
BETWEEN: Final = " · "
"""Stands between what a cell says in several places: its value, what else is in it, and the note below."""


def head_of(columns: Sequence[Column]) -> bytes:
    """Write the first line: the names of the columns."""
    return (BOM + _lines([[guarded(str(column.label)) for column in columns]])).encode()


def lines_of(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> bytes:
    """Write a line for the cells of each row."""
    numbers = [column.number for column in columns]
    return _lines(
        [cell_text(value, is_number=is_number) for is_number, value in zip(numbers, row, strict=True)] for row in rows
    ).encode()


def cell_text(value: object, *, is_number: bool) -> str:
    """Say all that a cell says, without its markup.

    A number is written as machines read it; what a spreadsheet might run is guarded; nothing stands for no value.
    """
    said = [_said(value)]
    if isinstance(value, Cell):
        said = [_said(value.text), *(_said(other.text) for other in value.more), str(value.note)]
    shown = [text for text in said if text]
    number = plain_number(shown[0]) if is_number and len(shown) == 1 else None
    return guarded(BETWEEN.join(shown)) if number is None else number


def _said(value: object) -> str:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    shown = as_cell(value).text
    # What has markup of its own is made of escaped parts: no < or > is in it but those of its tags.
    text = unescape(TAG.sub("", shown)) if isinstance(shown, SafeString) else str(shown)
    return "" if text == NOTHING else text


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()
