"""A process is killed at the worst moments of payout, collection, close and repayment: money moved exactly once.

The moments are named by the function at which the process ends itself (kill -9), in a process of its own.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from config.db.transactions import Contended, operation
from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.business_date import open_day
from config.office.job_runs import sweep_jobs
from config.office.models import JobRun, OperationEvent
from config.office.models.job_run import JobState
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.models import DayClose, Instalment, Line, LineEvent, Loan, LoanEvent, Posting, Transfer
from lending.operations.day_close import CLOSE, close_day
from lending.operations.loans import book_repayment
from lending.operations.offers import OFFERS, start_round
from lending.operations.payouts import make_payout
from lending.operations.write_offs import write_off_late_loans
from lending.queries.closes import booked_to, latest_close
from lending.tasks import settle_transfers
from merchants.domain.idempotency import RequestKey
from merchants.models import KeptRequest
from merchants.operations.idempotency import RequestNotTaken
from tests.conftest import NOW, Enqueued
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line, paid_out
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, deposit, lent, make_loan, proven, roll, serviced
from tests.lending.loans import close as undisturbed
from tests.lending.market import next_run
from tests.race import lock_timeout
from tests.scoring.market import AS_OF
from tests.stages import attempt_job, do_job
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)
PARTNER = Actor(ActorKind.PARTNER, 1)
DAILY = {"unit": "DAY", "every": 1}
MOVES = ("CUT", "RAISED", "FROZEN", "UNFROZEN")


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what the bank did in a directory of the test's own, for this process and those that die."""
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)
    return tmp_path


@pytest.mark.parametrize("moment", ["claim_payout", "Loopback.pay", "record_payout"])
def test_a_worker_dies_in_a_payout(bank: Path, moment: str) -> None:
    loan = make_loan()
    with operation():
        transfer = make_payout(loan, now=NOW)
    module = "lending.gateways.loopback" if "." in moment else "lending.operations.payouts"
    die_in(f"import lending.tasks\n{module}.{moment} = die\nlending.tasks.pay_out({transfer.pk})")
    assert len(list(bank.iterdir())) == (moment == "record_payout")
    assert not LoanEvent.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        settle_transfers()
        settle_transfers()
    loan.refresh_from_db()
    assert loan.status == LoanStatus.ACTIVE
    assert [path.name for path in bank.iterdir()] == [str(transfer.key)]
    assert LoanEvent.objects.count() == 1
    assert proven()


CLOSES = {
    "collect_dues": ("import lending.operations.collection_rounds as c\nc._record = die\njob('lending.collect_dues')"),
    "accrue_day": (
        "import lending.operations.nights as n\nn.ACCRUED_AT_ONCE = 1\nonce = n.post\n"
        "def first(*args, **kwargs):\n    once(*args, **kwargs)\n    n.post = die\n"
        "n.post = first\njob('lending.accrue_day')"
    ),
    "turn_loans": (
        "import lending.operations.nights as n\nn.TURNED_AT_ONCE = 1\nonce = n.write_projections\n"
        "def first(*args, **kwargs):\n    once(*args, **kwargs)\n    n.write_projections = die\n"
        "n.write_projections = first\njob('lending.turn_loans')"
    ),
    "verify_loans": ("import lending.operations.day_close as c\nc.drifted_loans = die\njob('lending.verify_loans')"),
    "prove_books": ("import lending.operations.day_close as c\nc.conclude = die\njob('lending.prove_books')"),
}
JOB = """
from celery import current_app
from config.office.models import JobRun
def job(name):
    current_app.tasks[name](JobRun.objects.filter(name=name).latest("pk").pk)
"""


@pytest.mark.parametrize("stage", CLOSES)
def test_a_worker_dies_in_the_close(bank: Path, stage: str) -> None:
    """Whoever takes over ends where an undisturbed close would: nothing collected or earned twice."""
    loans = [lent(amount_minor=90_000, terms=DAILY) for _ in range(3)]
    deposit(loans)
    open_day(on=OPENED + timedelta(days=2), actor=SYSTEM, now=NOW)
    undisturbed()  # of the first day, on which nothing is due
    close = close_day(actor=SYSTEM, now=NOW)
    for name in CLOSE.names:
        if name.endswith(stage):
            die_in(JOB + CLOSES[stage])
        job = JobRun.objects.get(name=name, subject_id=close.pk)
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            do_job(CLOSE, job)
    close.refresh_from_db()
    assert close.state == CloseState.PROVEN
    assert close.loans == len(loans), "also those of whoever was killed"
    assert proven()
    rows = {
        (loan.booked_to, loan.interest_minor, loan.repaid_minor, loan.due_minor, loan.late_since)
        for loan in Loan.objects.filter(pk__in=[loan.pk for loan in loans])
    }
    assert len(rows) == 1, "all three loans went the same way, whoever was at it"
    assert Transfer.objects.filter(kind="COLLECTION", state="DONE").count() == len(list(bank.iterdir())) == len(loans)
    collected = sum(Transfer.objects.filter(kind="COLLECTION").values_list("moved_minor", flat=True))
    booked = LoanEvent.objects.filter(type="repayment").aggregate(total=Sum("amount_minor"))["total"]
    assert collected == booked > 0


WRITE_OFF = """
import lending.operations.write_offs as w
from django.utils import timezone
w.AT_ONCE, once = 1, w.record_event
def first(*args, **kwargs):
    once(*args, **kwargs)
    w.record_event = die
w.record_event = first
w.write_off_late_loans(clock=timezone.now)
"""


def test_a_worker_dies_while_loans_are_written_off() -> None:
    """Red if one of them were written off twice, or its loss booked without its event."""
    loans = [serviced(lent(terms=EVERY_FIVE_DAYS), write_off_dpd=3) for _ in range(3)]
    roll(OPENED + timedelta(days=8))
    die_in(WRITE_OFF)
    assert Loan.objects.filter(status="WRITTEN_OFF").count() == 1
    assert write_off_late_loans(clock=timezone.now) == len(loans) - 1
    assert LoanEvent.objects.filter(type="write_off").count() == len(loans)
    assert proven()


REVIEW = """
import lending.operations.line_reviews as r
r.AT_ONCE, once = 1, r.{moment}
def first(*args, **kwargs):
    once(*args, **kwargs)
    r.{moment} = die
r.{moment} = first
job('lending.review_lines')
"""


@pytest.mark.parametrize("moment", ["_review", "record_events"])
def test_a_worker_dies_between_two_reviews_of_lines(moment: str, enqueued: Enqueued) -> None:
    """Red if a limit were moved twice, or a line that was under review were left out."""
    make_offers_of_both_kinds()
    cut, raised, frozen = lines = [open_line(offer) for offer in offered_lines()[:3]]
    Line.objects.filter(pk=cut.pk).update(limit_minor=1_000_000)
    Line.objects.filter(pk=raised.pk).update(limit_minor=1_000, higher_since=AS_OF, sustained_minor=1_500)
    late = paid_out(draw(frozen, 100))
    Loan.objects.filter(pk=late.pk).update(late_since=AS_OF - timedelta(days=3))
    next_run(days=7)
    found = start_round(actor=SYSTEM, now=NOW)
    do_job(OFFERS, JobRun.objects.get(name=OFFERS.names[0], subject_id=found.pk))
    die_in(JOB + REVIEW.format(moment=moment))
    assert Line.objects.filter(reviewed_in=found).count() == 1
    assert LineEvent.objects.filter(type__in=MOVES).count() == 1
    job = JobRun.objects.get(name=OFFERS.names[1], subject_id=found.pk)
    enqueued()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert sweep_jobs(now=timezone.now(), older_than=timedelta(minutes=1)) == 1
        assert enqueued() == [(job.name, {"job_id": job.pk})]
        do_job(OFFERS, job)
    assert set(Line.objects.values_list("reviewed_in", flat=True)) == {found.pk}
    moves = LineEvent.objects.filter(type__in=MOVES).order_by("line_id", "pk").values_list("line_id", "type")
    assert list(moves) == sorted([(cut.pk, "CUT"), (raised.pk, "RAISED"), (frozen.pk, "CUT"), (frozen.pk, "FROZEN")])
    assert Line.objects.get(pk=raised.pk).limit_minor == 1_500
    assert Line.objects.get(pk=cut.pk).limit_minor < cut.limit_minor * 2
    told = OperationEvent.objects.filter(name="lending.review_line").values_list("subject", flat=True)
    assert sorted(told) == sorted(f"lending.line:{line.pk}" for line in lines)


@pytest.mark.parametrize("moment", ["inside", "after"])
def test_a_web_process_dies_in_a_repayment(moment: str) -> None:
    loan = lent()
    key = RequestKey(partner_id=loan.merchant.partner_id, key="k1", digest="a" * 64)
    place = "lending.operations.bookings.post = die" if moment == "inside" else ""
    die_in(
        f"""
import lending.operations.bookings, lending.operations.loans
from config.office.actors import Actor, ActorKind
from datetime import date, datetime, timezone
from merchants.domain.idempotency import RequestKey
{place}
lending.operations.loans.book_repayment(loan_id={loan.pk}, amount_minor=5_000, on=date(2026, 3, 1), external_ref="p1",
    actor=Actor(ActorKind.PARTNER, 1), now=datetime.now(timezone.utc),
    key=RequestKey(partner_id={key.partner_id}, key="k1", digest="a" * 64))
die()
"""
    )
    assert LoanEvent.objects.filter(type="repayment").count() == (moment == "after")
    again = book(loan, key, "p1", 5_000)
    assert again.amount_minor == 5_000
    loan.refresh_from_db()
    assert loan.repaid_minor == 5_000
    assert LoanEvent.objects.filter(type="repayment").count() == KeptRequest.objects.count() == 1
    assert proven()


def book(loan: Loan, key: RequestKey, ref: str, amount: int) -> LoanEvent:
    return book_repayment(
        loan_id=loan.pk,
        amount_minor=amount,
        on=OPENED,
        external_ref=ref,
        actor=PARTNER,
        now=NOW,
        key=key,
    )


def test_a_thousand_requests_doubled_and_raced_are_each_done_once() -> None:
    """Red without the key's lock or its unique constraint: proven from the ledger, not from the replies."""
    loan = lent(amount_minor=100_000_000)
    requests = [number for number in range(250) for _ in range(4)]
    Random(7).shuffle(requests)  # noqa: S311

    def send(numbers: list[int]) -> list[tuple[int, int]]:
        try:
            return [(number, sent(number)) for number in numbers]
        finally:
            connection.close()

    def sent(number: int) -> int:
        key = RequestKey(partner_id=loan.merchant.partner_id, key=f"k{number}", digest="a" * 64)
        for _ in range(5_000):
            try:
                return book(loan, key, f"p{number}", 1_000 + number).pk
            except (RequestNotTaken, Contended):  # another is at it: as a partner would, ask again in a moment
                time.sleep(0.01)
        raise AssertionError(number)

    with ThreadPoolExecutor(4) as pool:
        replies = [reply for part in pool.map(send, [requests[start::4] for start in range(4)]) for reply in part]
    assert len(replies) == 1_000
    assert len(set(replies)) == 250, "every copy of a request was answered alike"
    debited = Posting.objects.filter(debit="COLLECTION_CLEARING").values_list("amount_minor", flat=True)
    assert sum(debited) == sum(1_000 + number for number in range(250))
    assert proven()


def test_a_payment_meets_the_close() -> None:
    """Neither waits for the whole other; whoever is second goes on from what the first has booked."""
    loans = [lent() for _ in range(6)]
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    close = close_day(actor=SYSTEM, now=NOW)

    def pay() -> None:
        try:
            for number, loan in enumerate(loans):
                key = RequestKey(partner_id=loan.merchant.partner_id, key=f"k{number}", digest="a" * 64)
                book(loan, key, f"p{number}", 10_000)
        finally:
            connection.close()

    def work() -> None:
        try:
            for name in CLOSE.names:
                for job in JobRun.objects.of(name, close.pk):
                    attempt_job(CLOSE, job)
        finally:
            connection.close()

    with lock_timeout("25s"), ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(pay), pool.submit(work)]:
            done.result()
    for name in CLOSE.names:  # a part that met a lock is done again, as the sweep would see to
        for job in JobRun.objects.of(name, close.pk).exclude(state=JobState.DONE):
            do_job(CLOSE, job)
    assert DayClose.objects.get().state == CloseState.PROVEN
    assert {loan.repaid_minor for loan in Loan.objects.all()} == {10_000}
    assert {booked_to(loan, latest_close()) for loan in Loan.objects.all()} == {OPENED + timedelta(days=1)}
    assert Instalment.objects.count() == 36
    assert proven()
