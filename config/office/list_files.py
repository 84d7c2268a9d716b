"""The lines of a list's file: what its cells say, as CSV for a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import unescape
from io import StringIO
from typing import Final

from django.utils.html import strip_tags

from config.kernel.spreadsheets import guarded, plain_number
from config.office.display import Cell, Column, as_cell
from config.office.words import NOTHING

BOM: Final = "\ufeff"
"""By which Excel knows that a file is UTF-8."""
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
    cell = value if isinstance(value, Cell) else Cell(text=value)
    said = [_said(cell), *(_said(more) for more in cell.more), str(cell.note)]
    if is_number and not any(said[1:]):
        number = plain_number(said[0])
        if number is not None:
            return number
    return guarded(BETWEEN.join(text for text in said if text))


def _said(cell: Cell) -> str:
    if isinstance(cell.text, (int, Decimal)) and not isinstance(cell.text, bool):
        return f"{cell.text:f}" if isinstance(cell.text, Decimal) else str(cell.text)
    shown = as_cell(cell.text).text
    text = unescape(strip_tags(shown)) if hasattr(shown, "__html__") else str(shown)
    return "" if text == NOTHING else text


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
