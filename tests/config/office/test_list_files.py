"""The cells of a list, as a spreadsheet reads them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy as _

from config.office.display import Cell, Column, chip, grade_chip, linked, mono
from config.office.list_files import BOM, cell_text, detailed_in, head_of, lines_of, texts_of
from config.office.models import JobRun
from config.office.words import NOTHING

MOMENT = datetime(2026, 3, 2, 9, 30, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (NOTHING, ""),
        ("", ""),
        ("Kiln & Co", "Kiln & Co"),
        (_("Waiting"), "Waiting"),
        (1_234, "1234"),
        (-1_234, "-1234"),
        (date(2026, 3, 2), "2026-03-02"),
        (MOMENT, "2026-03-02 09:30"),
        (mono("a<b"), "a<b"),
        (grade_chip("A1"), "A1"),
        (grade_chip(None), ""),
        (chip(_("Ready"), "tl-ok"), "Ready"),
        (linked(JobRun(pk=1, name="a.b", subject_id=2, part=3)), "a.b 2/3"),
        (Cell(text="Kiln", note="loan_33", title="Kiln"), "Kiln · loan_33"),
        (Cell(text="One", more=[Cell(text="Two"), Cell(text=None)]), "One · Two"),
        (Cell(text=None, note="at an agency"), "at an agency"),
        (Cell(text="=1+1", note="@x"), "'=1+1 · @x"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("<b>no markup of ours</b>", "<b>no markup of ours</b>"),
    ],
)
def test_a_text_says_all_that_the_cell_says(value: object, text: str) -> None:
    """Red if a name were stripped of what looks like markup, or markup of ours kept."""
    assert cell_text(value, is_number=False) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (0, "0"),
        (-5, "-5"),
        (1_234_567, "1234567"),
        (Decimal("1234.50"), "1234.50"),
        ("1,234.50", "1234.50"),
        ("−1,234.50", "-1234.50"),  # noqa: RUF001 - as money is shown
        ("0.030 %", "0.030 %"),
        ("3 of 1,200", "3 of 1,200"),
        ("1,234.50 CNY", "1,234.50 CNY"),
        (Cell(text="1,234", link="/x"), "1234"),
        (Cell(text="1,234", note="of two"), "1,234 · of two"),
        ("=1", "'=1"),
    ],
)
def test_a_number_is_one_a_machine_reads_and_nothing_is_lost(value: object, text: str) -> None:
    assert cell_text(value, is_number=True) == text


def test_the_file_begins_with_what_excel_knows_utf8_by() -> None:
    columns = [Column(label=_("Merchant")), Column(label="=x", number=True)]
    assert head_of(columns, detailed=[False, False]).decode() == f'{BOM}"Merchant","\'=x"\r\n'
    assert lines_of(columns, [["窯, Ltd", 1_000], ['say "hi"\nnow', "−1"]], detailed=[False, False]) == (  # noqa: RUF001
        '"窯, Ltd","1000"\r\n"say ""hi""\nnow","-1"\r\n'.encode()
    )


def test_what_stands_below_a_value_has_a_column_of_its_own() -> None:
    """Red if a list could not be filtered or added up by a value that has a note."""
    columns = [Column(label="State"), Column(label="Paid", number=True), Column(label="Name")]
    rows = [
        [Cell(text="Pending", note="=d32c"), Cell(text="1,000", note="of two"), "A"],
        [chip("Done", "tl-ok"), Cell(text="−2", more=[Cell(text="late")], note="by 3"), "B"],  # noqa: RUF001
    ]
    detailed = detailed_in(columns, rows)
    assert detailed == [True, True, False]
    assert (
        head_of(columns, detailed=detailed).decode().strip()
        == f'{BOM}"State","State, detail","Paid","Paid, detail","Name"'
    )
    assert [texts_of(columns, row, detailed=detailed) for row in rows] == [
        ["Pending", "'=d32c", "1000", "of two", "A"],
        ["Done", "", "-2", "late · by 3", "B"],
    ]
    late = [chip("Done", ""), "", Cell(text="C", note="new")]
    assert texts_of(columns, late, detailed=detailed) == ["Done", "", "", "", "C · new"]
    assert detailed_in(columns, []) == [False] * 3
