"""The lines of a list's file: what its cells say, as CSV for a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import unescape
from io import StringIO
from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t

from config.kernel.spreadsheets import guarded, plain_number
from config.office.display import Cell, Column, as_cell
from config.office.words import NOTHING

BOM: Final = "\ufeff"
"""By which Excel knows that a file is UTF-8."""
TAG: Final = re.compile("<[^>]*>")
BETWEEN: Final = " · "
"""Stands between details, and between a value and its details where these have no column of their own."""


def detailed_in(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> list[bool]:
    """Tell of each column whether any of these rows says something beside or below its value there."""
    return [any(_details(row[place]) for row in rows) for place in range(len(columns))]


def head_of(columns: Sequence[Column], *, detailed: Sequence[bool]) -> bytes:
    """Write the first line: the names of the columns, each followed by that of its details, if it has such."""
    names = list[str]()
    for column, has_details in zip(columns, detailed, strict=True):
        names.append(str(column.label))
        if has_details:
            names.append(_t("%(column)s, detail") % {"column": column.label})
    return (BOM + _lines([[guarded(name) for name in names]])).encode()


def lines_of(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, detailed: Sequence[bool]) -> bytes:
    """Write a line for the cells of each row."""
    return _lines(texts_of(columns, row, detailed=detailed) for row in rows).encode()


def texts_of(columns: Sequence[Column], row: Sequence[object], *, detailed: Sequence[bool]) -> list[str]:
    """Return what a row's cells say; details that came too late for a column of their own stay with their value."""
    texts = list[str]()
    for column, value, has_details in zip(columns, row, detailed, strict=True):
        texts.append(cell_text(value, is_number=column.number, is_whole=not has_details))
        if has_details:
            texts.append(guarded(BETWEEN.join(_details(value))))
    return texts


def cell_text(value: object, *, is_number: bool, is_whole: bool = True) -> str:
    """Say what a cell says, without its markup. is_whole: with its details.

    A number is written as machines read it; what a spreadsheet might run is guarded; nothing stands for no value.
    """
    said = _said(value.text if isinstance(value, Cell) else value)
    shown = [text for text in (said, *(_details(value) if is_whole else ())) if text]
    number = plain_number(shown[0]) if is_number and len(shown) == 1 else None
    return guarded(BETWEEN.join(shown)) if number is None else number


def _details(value: object) -> list[str]:
    """Return what else is in a cell, and the note below."""
    if not isinstance(value, Cell):
        return []
    return [text for text in (*(_said(other.text) for other in value.more), str(value.note)) if text]


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
