"""The income statement against the books of a few loans."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from lending.domain.books.ledger import Account
from lending.domain.contract.events import EventType
from lending.queries.income import STATED, income_by_loan, income_statement
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def stated(first: date, last: date) -> dict[Account, tuple[int, int, int]]:
    lines = income_statement(first, last, loans=income_by_loan(first, last))
    assert [line.account for line in lines] == list(STATED)
    return {line.account: (line.nights_minor, line.events_minor, line.loans_minor) for line in lines}


def test_the_ledger_is_what_the_loans_say_by_account() -> None:
    """Red if a night counts in the day after, a loss as income, or an event of the day after in the period."""
    late, off = lent(terms=EVERY_FIVE_DAYS), lent()
    book(EventType.CHARGE, loan_id=off.pk, amount_minor=700)
    roll(OPENED + timedelta(days=8))
    book(EventType.WRITE_OFF, loan_id=off.pk, on=OPENED + timedelta(days=8))
    roll(OPENED + timedelta(days=10))
    take_repayment(
        loan_id=late.pk, amount_minor=5_000, on=OPENED + timedelta(days=10), reason="x", actor=CLERK, now=NOW
    )
    found = stated(OPENED, OPENED + timedelta(days=9))
    for nights, events, loans in found.values():
        assert nights + events == loans
    assert found[Account.FEE_INCOME] == (0, 700, 700)
    assert found[Account.WRITE_OFFS][1] < -1_200_000
    first, second = stated(OPENED, OPENED + 3 * DAY), stated(OPENED + 4 * DAY, OPENED + 9 * DAY)
    for account, whole in found.items():
        assert tuple(map(sum, zip(first[account], second[account], strict=True))) == whole


def test_what_is_booked_for_a_proven_day_is_told(tmp_path: Path) -> None:
    """Red if the loans' side were forced to agree: the ledger has it in the period in which it was booked."""
    loan = lent()
    roll(OPENED + timedelta(days=5))
    book(EventType.CHARGE, loan_id=loan.pk, amount_minor=300, on=OPENED + DAY)
    roll(OPENED + timedelta(days=6))
    assert stated(OPENED, OPENED + 3 * DAY)[Account.FEE_INCOME] == (0, 0, 300)
    assert stated(OPENED, OPENED + 5 * DAY)[Account.FEE_INCOME] == (0, 300, 300)
    output, file = io.StringIO(), tmp_path / "loans.csv"
    call_command("income_statement", str(OPENED), str(OPENED + 5 * DAY), "--by-loan", str(file), stdout=output)
    assert "FEE_INCOME" in output.getvalue()
    [row] = csv.DictReader(file.read_text().splitlines())
    assert (row["loan"], row["fee_income"]) == (f"loan_{loan.pk}", "3.00")


def test_a_period_that_is_not_proven_is_refused() -> None:
    lent()
    with pytest.raises(CommandError, match="proven"):
        call_command("income_statement", str(OPENED), str(OPENED))
