"""How late loans were over time is kept with whatever is booked, and of loans that were booked before."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from lending.domain.contract.events import EventType
from lending.models import Loan, LoanFlow, LoanOrigin, LoanSpell
from lending.queries.books import drifted_loans
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, proven, roll

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
Row = tuple[object, ...]


def kept(loan: Loan) -> list[Row]:
    """Return from when it is late in each spell, and since when, in days after the payout."""
    rows = LoanSpell.objects.filter(loan=loan).order_by("since").values_list("since", "late_from", "late_since")
    return [tuple(None if day is None else (day - OPENED).days for day in row) for row in rows]


def repaid(loan: Loan, minor: int, on: int) -> int:
    day = OPENED + on * DAY
    return take_repayment(loan_id=loan.pk, amount_minor=minor, on=day, reason="x", actor=CLERK, now=NOW).seq


def test_a_back_dated_payment_heals_and_its_reversal_worsens() -> None:
    """Red if the days before a payment changed, or those after it did not."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    assert kept(loan) == [(0, 6, 5)], "from when it will be late is known with the payout"
    roll(OPENED + 12 * DAY)
    late = [(0, 6, 5), (11, 11, 5)]
    assert kept(loan) == late, "one more begins after the second instalment that is missed"
    seq = repaid(loan, 10_500, on=5)
    assert kept(loan) == [(0, None, None), (5, 11, 10)]
    reverse_event(loan_id=loan.pk, seq=seq, on=OPENED + 12 * DAY, reason="x", actor=CLERK, now=NOW)
    assert kept(loan) == late
    book(EventType.WRITE_OFF, loan_id=loan.pk, on=OPENED + 12 * DAY)
    ends = LoanSpell.objects.filter(loan=loan).latest("since").until
    assert (kept(loan), ends) == (late, OPENED + 12 * DAY)
    assert proven()


def test_nights_write_nothing_of_loans_that_will_be_late() -> None:
    """Red if a night wrote again what the last event has said."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    before = LoanSpell.objects.get(loan=loan).pk
    roll(OPENED + 8 * DAY)
    assert LoanSpell.objects.get(loan=loan).pk == before


def test_a_spell_more_begins_with_each_instalment_that_is_missed() -> None:
    """Red if a night left a hole between what it writes and what was written before."""
    loan = lent(terms={"unit": "DAY", "every": 1}, amount_minor=60_000)
    roll(OPENED + 4 * DAY)
    assert kept(loan) == [(0, 2, 1), (3, 3, 1), (4, 4, 1), (5, 5, 1)]
    assert proven()


def test_what_was_booked_before_is_replayed_once() -> None:
    """Red if a loan were left out, or one that has its spells were written again."""
    loans = [lent(terms=EVERY_FIVE_DAYS), lent(), lent()]
    repaid(loans[1], 1_500_000, on=0)
    roll(OPENED + 12 * DAY)
    expected = [kept(loan) for loan in loans]
    LoanSpell.objects.filter(loan__in=loans[:2]).delete()
    moved = list(LoanFlow.objects.order_by("loan", "on").values_list("loan", "on", "disbursed_minor", "received_minor"))
    LoanFlow.objects.filter(loan__in=loans[:2]).delete()
    LoanOrigin.objects.filter(loan__in=loans[:2]).delete()
    untouched = LoanSpell.objects.get(loan=loans[2]).pk
    assert drifted_loans(list(Loan.objects.order_by("pk"))) == [loan.pk for loan in loans[:2]]
    output = StringIO()
    call_command("keep_arrears", stdout=output)
    assert output.getvalue() == "2 loans\n"
    assert [kept(loan) for loan in loans] == expected
    assert LoanSpell.objects.get(loan=loans[2]).pk == untouched
    found = LoanFlow.objects.order_by("loan", "on").values_list("loan", "on", "disbursed_minor", "received_minor")
    assert list(found) == moved
    LoanOrigin.objects.filter(loan=loans[0]).delete()
    call_command("keep_arrears", stdout=output)
    assert output.getvalue() == "2 loans\n2 loans\n", "that with several spells, once, and the one that never had any"
    assert proven()
