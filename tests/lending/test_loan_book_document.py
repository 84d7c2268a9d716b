"""The page on loan books says what holds: its example is taken over, its tables have every reason and column."""

import re
from datetime import date
from typing import Final

import pytest
from django.core.management import call_command

from lending.domain.books.book_rows import EVENT_COLUMNS, LOAN_COLUMNS, SCHEDULE_ONLY, SCHEDULE_REQUIRED, BookRefusal
from lending.domain.books.loan_book import CutOverRefusal, read_control
from lending.models import ImportedLoan, Loan
from lending.queries.loans import standing_of
from merchants.models import Partner
from tests.conftest import ROOT
from tests.lending.loans import make_merchant, proven
from tests.lending.takeovers import make_market

PAGE: Final = (ROOT / "docs" / "loan-book.md").read_text()
EXAMPLE: Final = ROOT / "docs" / "examples" / "loan-book"


def test_every_reason_is_explained() -> None:
    assert re.findall(r"^\| ([A-Z_]{5,}) \|", PAGE, re.MULTILINE) == list(BookRefusal)
    assert all(reason in PAGE for reason in CutOverRefusal)


def test_every_column_is_explained() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert {*LOAN_COLUMNS, *EVENT_COLUMNS, *SCHEDULE_REQUIRED, *SCHEDULE_ONLY} - named == set()


def test_the_control_totals_shown_are_those_of_the_example() -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert read_control(shown) == read_control((EXAMPLE / "control.json").read_text())


@pytest.mark.django_db(transaction=True)
def test_the_example_is_taken_over() -> None:
    """Red if what the page tells of the example is not so: 101 nights at 4.80, or 96.00 of interest that was repaid."""
    make_market(0)
    for name in ("kiln", "loom"):
        make_merchant(Partner.objects.get(), name)
    call_command("import_loan_book", EXAMPLE, cut_over="2026-03-01")
    loans = {one.number: one.loan for one in ImportedLoan.objects.select_related("loan")}
    assert {number: loan.status for number, loan in loans.items()} == {
        "K-1001": "ACTIVE",
        "K-1002": "ACTIVE",
        "K-0877": "CLOSED",
        "K-0912": "WRITTEN_OFF",
    }
    untouched = standing_of(loans["K-1001"], on=None)
    assert untouched.position.interest_open_minor == 101 * 480
    assert loans["K-0877"].credit_minor == 900_000 - 800_000 - 9_600
    assert loans["K-0877"].disbursed_on == date(2025, 6, 1)
    assert proven()
    assert Loan.objects.count() == 4
