from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from config.office.models.job_run import JobState
from lending.domain.books.day_close import EXPOSURE, LAST_ID, CloseState
from lending.domain.books.ledger import Account
from lending.models import DayClose, Loan, ProofLine
from lending.operations.bookings import lock_books
from lending.operations.day_close import CLOSE, close_day
from lending.queries.books import drifted_loans, loans_to_verify, prove_accounts
from lending.queries.loans import standing_of
from tests.conftest import CLERK, NOW
from tests.forge import as_owner
from tests.lending.bookings import take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, close, lent, make_loan, roll
from tests.race import lock_timeout
from tests.stages import attempt_job, do_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_days_are_closed_and_proven_with_loans_late_and_repaid() -> None:
    for amount in (1_200_000, 700_001, 100_000):
        lent(amount_minor=amount, terms=EVERY_FIVE_DAYS)
    roll(date(2026, 3, 21))
    assert set(DayClose.objects.values_list("state", flat=True)) == {CloseState.PROVEN}
    assert DayClose.objects.count() == 20
    for loan in Loan.objects.all():
        standing = standing_of(loan, on=date(2026, 3, 21))
        assert standing.dpd == 15
        assert standing.position.penalty_minor > 0
    lines = ProofLine.objects.filter(close__day=date(2026, 3, 20))
    assert {line.ledger_minor == line.loans_minor for line in lines} == {True}
    assert sorted(line.account for line in lines) == sorted([*Account, EXPOSURE])


def test_a_day_is_not_proven_while_a_booking_that_began_before_its_close_is_under_way() -> None:
    """Red if a booking held only a closing that there is: it would commit into the day behind the proof."""
    lent()
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    found = close_day(actor=SYSTEM, now=NOW)
    for held in ("lending.accrue_day", "lending.prove_books"):
        with lock_timeout("300ms"), transaction.atomic(), ThreadPoolExecutor(1) as pool:
            lock_books(exclusive=False)
            pool.submit(close_as_far_as_it_goes, found.pk).result()
            assert JobRun.objects.get(name=held).state != JobState.DONE
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            do_job(CLOSE, JobRun.objects.get(name=held))
    assert DayClose.objects.get().state == CloseState.PROVEN


def close_as_far_as_it_goes(close_id: int) -> None:
    try:
        for stage in CLOSE.names:
            for job in JobRun.objects.filter(name=stage, subject_id=close_id, state=JobState.WAITING):
                attempt_job(CLOSE, job)
    finally:
        connection.close()


def test_a_booking_does_not_hide_what_nights_booked_wrongly() -> None:
    """Red if a booking posted whatever makes the ledger agree with the replay: the proof would find nothing."""
    loan = lent()
    Loan.objects.filter(pk=loan.pk).update(rate_numerator=F("rate_numerator") * 10)
    open_day(on=date(2026, 3, 4), actor=SYSTEM, now=NOW)
    while close().day < date(2026, 3, 3):
        pass
    take_repayment(loan_id=loan.pk, amount_minor=1_000, on=date(2026, 3, 4), reason="counter", actor=CLERK, now=NOW)
    assert drifted_loans([Loan.objects.get(pk=loan.pk)]) == []
    assert not all(balance.holds for balance in prove_accounts())
    open_day(on=date(2026, 3, 5), actor=SYSTEM, now=NOW)
    assert close().state == CloseState.BROKEN


def test_a_loan_that_should_have_turned_is_found() -> None:
    """Red if a loan whose turn is past were excused: it would show nothing due, and be late for nobody."""
    loan = lent(terms=EVERY_FIVE_DAYS | {"penalty_multiple_extra": "0"})
    roll(date(2026, 3, 5))
    Loan.objects.filter(pk=loan.pk).update(turns_on=date(2026, 3, 11))
    open_day(on=date(2026, 3, 6), actor=SYSTEM, now=NOW)
    close()
    Loan.objects.filter(pk=loan.pk).update(turns_on=date(2026, 3, 6))
    assert drifted_loans([Loan.objects.get(pk=loan.pk)]) == [], "it might still turn"
    assert drifted_loans([Loan.objects.get(pk=loan.pk)], have_turned=True) == [loan.pk]
    found = DayClose.objects.latest("day")
    assert [one.pk for some in loans_to_verify(found, range(LAST_ID)) for one in some] == [loan.pk]


def test_each_loan_at_rest_is_verified_once_in_28_nights() -> None:
    """Red if a night skipped some ids, or took all of them: a loan that drifted at rest would be found by nobody."""
    loans = []
    for before in (0, 1_022, 28_671):
        as_owner(f"SELECT setval('lending_loan_id_seq', {before + 1})")
        loans += [lent().pk, lent().pk]
    roll(OPENED + timedelta(days=1))
    Loan.objects.update(turns_on=None)
    nights = [DayClose(day=date(2027, 1, 1) + timedelta(days=n)) for n in range(28)]
    verified = [one.pk for night in nights for some in loans_to_verify(night, range(LAST_ID)) for one in some]
    assert sorted(verified) == loans


def test_a_loan_whose_payout_came_back_is_still_summed() -> None:
    """Red if the proof left out loans without a day count: what stays in their rows would be taken for booked."""
    loan = make_loan()
    Loan.objects.filter(pk=loan.pk).update(interest_minor=50)
    wrong = [balance.account for balance in prove_accounts() if not balance.holds]
    assert wrong == [Account.INTEREST_RECEIVABLE, Account.INTEREST_INCOME]
