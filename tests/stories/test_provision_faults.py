"""A worker is killed (-9) while it makes the provisions of a month: each is written once, and the books are proven."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from lending.models import Entry, LoanProvision, Posting, ProvisionMonth
from lending.operations.day_close import CLOSE, close_day
from lending.queries.provision_proof import months_apart, provisions_apart
from tests.conftest import NOW
from tests.lending.loans import lent, proven, roll
from tests.lending.provisions import DAY, MARCH_END, provide_by
from tests.stages import do_job
from tests.stories.test_lending_faults import JOB
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)
SECOND_TIME = """
import lending.operations.provisions as p
import lending.queries.provision_exposures as e
e.AT_ONCE, once = 1, p.{name}
def first(*args, **kwargs):
    found = once(*args, **kwargs)
    p.{name} = die
    return found
p.{name} = first
job('lending.{stage}')
"""


@pytest.mark.parametrize(("stage", "name"), [("provide_loans", "provide"), ("book_provisions", "post")])
def test_a_worker_dies_while_it_provides(stage: str, name: str) -> None:
    """Red if whoever takes over wrote a loan's row anew, left one out, or booked a product twice."""
    provide_by()
    for currency, minor in (("CNY", 1_200_000), ("CNY", 700_000), ("JPY", 1_234_567)):
        lent(currency=currency, amount_minor=minor)
    roll(MARCH_END)
    open_day(on=MARCH_END + DAY, actor=SYSTEM, now=NOW)
    close = close_day(actor=SYSTEM, now=NOW)
    for each in CLOSE.names:
        if each.endswith(stage):
            die_in(JOB + SECOND_TIME.format(name=name, stage=stage))
            assert LoanProvision.objects.count() == (1 if stage == "provide_loans" else 3)
            assert not Posting.objects.filter(entry__code="PROVISION").exists()
            assert ProvisionMonth.objects.get().booked_at is None
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            do_job(CLOSE, JobRun.objects.get(name=each, subject_id=close.pk))
    close.refresh_from_db()
    assert close.state == "PROVEN"
    assert LoanProvision.objects.count() == 3
    assert Entry.objects.filter(code="PROVISION").count() == 2
    assert (months_apart(), provisions_apart(), proven()) == ([], [], True)
