"""Write tables of reports as a PDF and as a workbook."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from io import BytesIO
from itertools import groupby
from typing import Any, Final
from xml.sax.saxutils import escape

from font_roboto import Roboto, RobotoBold
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from config.kernel.money import exponent_of, format_minor
from lending.domain.books.portfolio import Share
from lending.domain.books.report_table import Figure, ReportTable

NUMBER: Final = "n"
"""The column that says of how many loans an amount or a share is."""
PLAIN, BOLD, CHINESE = "Roboto", "Roboto-Bold", "STSong-Light"
"""The last is no part of the file: readers of PDF have it. It has what the others lack, Chinese above all."""
SMALL: Final = 6.5
MOST_COLUMNS: Final = 12
"""Beside the first: with more, amounts of hundreds of millions do not fit on a page."""
UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
"""Characters that no workbook holds, though a merchant's name may."""
MARGIN: Final = 12 * mm
RULED: Final = (
    ("FONT", (0, 0), (-1, -1), PLAIN, SMALL),
    ("ALIGN", (1, 1), (-1, -1), "RIGHT"),
    ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
    ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
)
SIZES: Final = {"title": 13, "text": 8}
WIDTH: Final = 18
Titled = tuple[str, str, Sequence[tuple[str, ReportTable]]]
"""A report's name, its currency, and its tables with what each is split by."""


def write_pdf(title: str, sections: Iterable[Titled]) -> bytes:
    """Write reports as a PDF, A4 across. Texts are never read as markup."""
    styles, file = _styles(), BytesIO()
    story: list[Any] = [Paragraph(_marked(title), styles["title"])]
    for name, currency, tables in sections:
        story.append(Paragraph(_marked(f"{name}, {currency}"), styles["report"]))
        for split, table in tables:
            story.append(Paragraph(_marked(f"{table.title} ({split})"), styles["table"]))
            if table.note:
                story.append(Paragraph(_marked(table.note), styles["note"]))
            for part in _drawn(table, styles["cell"]):
                story += [part, Spacer(0, 4 * mm)]
    document = SimpleDocTemplate(
        file, pagesize=landscape(A4), leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=14 * mm,
        title=title, author="Tradeline", invariant=1,
    )  # fmt: skip
    document.build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return file.getvalue()


@cache
def _styles() -> dict[str, Any]:
    """Register the fonts, and return the styles of texts."""
    for name, path in ((PLAIN, Roboto), (BOLD, RobotoBold)):
        pdfmetrics.registerFont(TTFont(name, path))
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    sizes: dict[str, tuple[str, float, float]] = {
        "title": (BOLD, 15, 8),
        "report": (BOLD, 12, 6),
        "table": (BOLD, 9, 4),
        "note": (PLAIN, 8, 3),
    }
    sizes["cell"] = (PLAIN, SMALL, 0)
    return {
        name: ParagraphStyle(
            name, fontName=font, fontSize=size, leading=1.25 * size, spaceAfter=below, spaceBefore=below
        )
        for name, (font, size, below) in sizes.items()
    }


def _marked(text: str) -> str:
    """Return a text as markup that shows it as it is, in a font that has its letters."""
    text, known = UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text), pdfmetrics.getFont(PLAIN).face.charToGlyph
    runs = groupby(text, key=lambda letter: ord(letter) in known or letter.isspace())
    return "".join(
        escape(run) if has_letters else f'<font name="{CHINESE}">{escape(run)}</font>'
        for has_letters, run in ((has_letters, "".join(letters)) for has_letters, letters in runs)
    )


def _numbered(canvas: Any, document: Any) -> None:  # noqa: ANN401 - of reportlab, which ships no types
    canvas.setFont(PLAIN, SMALL)
    canvas.drawRightString(document.pagesize[0] - MARGIN, 8 * mm, str(canvas.getPageNumber()))


def _drawn(table: ReportTable, style: Any) -> Iterator[Any]:  # noqa: ANN401 - as _numbered
    """Yield a table in pieces that are not too wide for a page, each with its first column."""
    head, cells = _flat(table)
    for begins in range(1, max(len(head), 2), MOST_COLUMNS):
        places = [0, *range(begins, min(begins + MOST_COLUMNS, len(head)))]
        rows = [[row[place] if place < len(row) else None for place in places] for row in cells]
        yield _piece([head[place] for place in places], rows, table.currency, style)


def _piece(head: list[str], cells: list[list[Figure | None]], currency: str, style: Any) -> Any:  # noqa: ANN401
    texts = [[Paragraph(_marked(name), style) for name in head]]
    texts += [
        [
            Paragraph(_marked(figure.value), style) if figure is not None and isinstance(figure.value, str)
            else _text(figure, currency)
            for figure in row
        ]
        for row in cells
    ]  # fmt: skip
    width = landscape(A4)[0] - 2 * MARGIN
    first = min(width / 4, max(30 * mm, width / len(head)))
    rest = (width - first) / max(len(head) - 1, 1)
    return LongTable(texts, colWidths=[first, *([rest] * (len(head) - 1))], repeatRows=1, style=TableStyle(RULED))


def write_workbook(sections: Iterable[Titled]) -> bytes:
    """Write reports as a workbook, a sheet each. A text is never a formula, whatever it begins with."""
    book, file = Workbook(write_only=True), BytesIO()
    for name, currency, tables in sections:
        sheet = book.create_sheet(_sheet_name(f"{name} {currency}", book.sheetnames))
        most = max((len(_flat(table)[0]) for _, table in tables), default=1)
        for place in range(1, most + 1):
            sheet.column_dimensions[get_column_letter(place)].width = WIDTH + WIDTH // 2 * (place == 1)
        for split, table in tables:
            head, cells = _flat(table)
            sheet.append([_said(sheet, f"{table.title} ({split}), {currency}", Font(bold=True, size=SIZES["title"]))])
            if table.note:
                sheet.append([_said(sheet, table.note, Font(italic=True, size=SIZES["text"]))])
            sheet.append([_said(sheet, words, Font(bold=True), wrap=True) for words in head])
            for row in cells:
                sheet.append([_cell(sheet, figure, currency) for figure in row])
            sheet.append([])
    if not book.sheetnames:
        book.create_sheet("Empty")
    book.save(file)
    return file.getvalue()


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that a workbook takes: 31 characters, none of those it forbids, and no other sheet's."""
    plain = "".join(" " if letter in "[]:*?/\\" else letter for letter in name)[:31]
    return plain if plain not in taken else f"{plain[:28]} {len(taken)}"


def _said(sheet: Any, text: str, font: Font, *, wrap: bool = False) -> Any:  # noqa: ANN401 - openpyxl ships no types
    cell = WriteOnlyCell(sheet)
    cell.value, cell.font = UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text), font
    cell.data_type = "s"  # after the value: one that begins with = would be a formula
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(sheet: Any, figure: Figure | None, currency: str) -> Any:  # noqa: ANN401 - as _said
    value = None if figure is None else figure.value
    if isinstance(value, str):
        return _said(sheet, value, Font())
    cell = WriteOnlyCell(sheet)
    if isinstance(value, Share):
        cell.value = Decimal(value.part) / value.whole if value.whole else None
        cell.number_format = "0.00%"
    elif value is not None and figure is not None:
        decimals = exponent_of(currency) if figure.is_money else 0
        cell.value = Decimal(value).scaleb(-decimals) if decimals else value
        cell.number_format = "#,##0" + ("." + "0" * decimals if decimals else "")
    return cell


def _flat(table: ReportTable) -> tuple[list[str], list[list[Figure | None]]]:
    """Return the columns and rows with a column more beside each that says of how many loans it is."""
    numbered = [
        any(row[place].number is not None for row in table.rows if place < len(row))
        for place in range(len(table.columns))
    ]
    head = [
        words
        for name, has_number in zip(table.columns, numbered, strict=True)
        for words in ([name, NUMBER] if has_number else [name])
    ]
    return head, [list(_cells(row, numbered)) for row in table.rows]


def _cells(row: Sequence[Figure], numbered: Sequence[bool]) -> Iterator[Figure | None]:
    for figure, has_number in zip(row, numbered, strict=True):
        yield figure
        if has_number:
            yield None if figure.number is None else Figure(value=figure.number)


def _text(figure: Figure | None, currency: str) -> str:
    if figure is None:
        return ""
    if isinstance(figure.value, Share):
        part, whole = figure.value
        return f"{(Decimal(100 * part) / whole):.2f} %" if whole else ""
    if isinstance(figure.value, str):
        return figure.value
    return format_minor(figure.value, currency, grouped=True) if figure.is_money else f"{figure.value:,}"
