from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from config.office.models.job_run import JobState
from lending.domain.books.day_close import EXPOSURE, CloseState
from lending.domain.books.ledger import Account
from lending.models import DayClose, Loan, ProofLine
from lending.operations.bookings import lock_books
from lending.operations.day_close import CLOSE, close_day
from lending.queries.loans import standing_of
from tests.conftest import NOW
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
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
        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
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
