from datetime import date

import pytest

from lending.domain.day_close import CloseState
from lending.models import DayClose, Loan, ProofLine
from tests.lending.loans import EVERY_FIVE_DAYS, lent, roll

pytestmark = pytest.mark.django_db(transaction=True)


def test_days_are_closed_and_proven_with_loans_late_and_repaid() -> None:
    for amount in (1_200_000, 700_001, 100_000):
        lent(amount_minor=amount, terms=EVERY_FIVE_DAYS)
    roll(date(2026, 3, 21))
    assert set(DayClose.objects.values_list("state", flat=True)) == {CloseState.PROVEN}
    assert DayClose.objects.count() == 20
    for loan in Loan.objects.all():
        assert loan.booked_to == date(2026, 3, 21)
        assert loan.dpd == 15
        assert loan.penalty_minor > 0
    lines = ProofLine.objects.filter(close__day=date(2026, 3, 20))
    assert {line.ledger_minor == line.loans_minor for line in lines} == {True}
    assert len(lines) == 10
