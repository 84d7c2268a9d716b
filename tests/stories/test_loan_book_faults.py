"""An import of a loan book is killed, raced and run again: each loan is booked once, and the books hold."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from lending.models import ImportedLoan, Loan, LoanEvent
from tests.lending.books import CUT_OVER, write_book
from tests.lending.loans import proven
from tests.lending.takeovers import make_market, some_book, take_over
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)
DIES = """
from io import StringIO
import lending.operations.loan_book
import lending.queries.loan_book
from django.core.management import call_command
lending.queries.loan_book.AT_ONCE = 4
reached, original = [], lending.operations.loan_book.{moment}
def counting(*args, **named):
    reached.append(1)
    return die() if len(reached) == {time} else original(*args, **named)
lending.operations.loan_book.{moment} = counting
call_command("import_loan_book", {folder!r}, cut_over={cut_over!r}, stdout=StringIO())
"""


@pytest.mark.parametrize(("moment", "booked"), [("lock_name", 8), ("open_loans", 8), ("record_events", 8)])
def test_an_import_is_killed_between_and_within_its_batches(tmp_path: Path, moment: str, booked: int) -> None:
    """Red if a batch is booked in part, or loans that were booked are booked again."""
    loans = some_book(make_market(3), 18)
    folder = write_book(tmp_path / "book", loans)
    die_in(DIES.format(moment=moment, time=3, folder=str(folder), cut_over=str(CUT_OVER)))
    assert Loan.objects.count() == ImportedLoan.objects.count() == booked
    assert proven(), "what was booked before holds by itself"
    take_over(folder)
    assert Loan.objects.count() == ImportedLoan.objects.count() == 18
    assert LoanEvent.objects.count() == sum(len(one.events) for one in loans)
    assert proven()


def test_two_import_the_same_book_at_once(tmp_path: Path) -> None:
    """Red if both book a loan, or one fails at a constraint."""
    loans = some_book(make_market(3), 18)
    folder = write_book(tmp_path / "book", loans)

    def run() -> str:
        try:
            take_over(folder)
        except Exception as error:  # noqa: BLE001 - its kind is what is asked
            return type(error).__name__
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(2) as pool:
        ended = sorted(future.result() for future in [pool.submit(run), pool.submit(run)])
    assert ended in (["", ""], ["", "CommandError"])  # whoever came second is told to look again
    assert Loan.objects.count() == ImportedLoan.objects.count() == 18
    assert proven()
