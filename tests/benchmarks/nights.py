"""What is measured of a night: the close of a day over many loans at rest, a thirtieth of which turns."""

import os
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial

from django.db import connection, connections, transaction
from django.db.models import F, Sum
from django.utils import timezone

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from config.office.models import JobRun
from lending.domain.books.ledger import ACCRUAL, NOTHING, Position, movements
from lending.domain.books.provision_policy import DAY_ONE_POLICY
from lending.domain.books.transfer import Answer, Moved, Nothing, TransferKind
from lending.gateways.protocol import Gateway, Order, Report
from lending.gateways.registry import LOOPBACK
from lending.models import DayClose, Entry, Letter, Loan, LoanProvision, Posting, ProofLine, ProvisionMonth, Transfer
from lending.operations.bookings import post
from lending.operations.day_close import CLOSE, close_day, collect_part
from lending.operations.policies import enter_policy
from lending.queries.closes import closed_to
from lending.queries.loans import standing_of
from lending.queries.provision_proof import provisions_apart
from lending.queries.provisions import changes_of
from lending.tasks import pay_out
from merchants.domain.contact_detail import DetailKind, Language
from merchants.models import ContactDetail, Merchant
from merchants.models.contact_detail import PADDED_TO, contact_of
from merchants.models.payout_account import account_keys
from tests.benchmarks.lending import accept, make_offers, multiply
from tests.benchmarks.results import Result, peak, say, timed
from tests.benchmarks.workloads import do_all
from tests.lending.letters import enter_dunning

LOANS = int(os.environ["LOANS"])
BASES = 30
LATE = range(0, BASES // 2, 5)
DAYS = 45
BARE = "UPDATE lending_loan SET booked_to = booked_to, due_minor = due_minor + 1"


class SomePay:
    """A bank that finds money with all but some merchants."""

    def __init__(self, late: set[int]) -> None:
        self._late = late

    def pay(self, order: Order) -> Answer:
        return Moved(order.amount.minor)

    def collect(self, order: Order) -> Answer:
        return Nothing("not enough funds") if order.merchant_id in self._late else Moved(order.amount.minor)

    def reports(self) -> Iterable[Report]:
        return []

    def forget(self, report: Report) -> None:
        """Nothing was reported."""


def close() -> Result:
    """Close a day over loans paid out on thirty days, a tenth of them late; beside one bare UPDATE of as many rows.

    Nothing is collected: that is measured for itself. With LETTERS=1 every borrower has an address, and the first night
    of a policy writes to all who are late. The ratio is of all that comes up to the proof; the figures of
    reports, which are kept after it, are told beside.
    """
    fill()
    next_day({})
    if os.environ.get("LETTERS"):
        give_addresses()
        enter_dunning()
    owner("VACUUM ANALYZE")
    loans, before = Loan.objects.active().count(), wal()
    say(f"\nClose of a day: {loans:,} running loans, in one process")
    stages = next_day({})
    turned = Loan.objects.filter(booked_to=get_business_date()).count()
    for stage, seconds in stages.items():
        say(f"  of it {stage}", seconds, loans=loans)
    written = wal() - before
    say(f"  {Letter.objects.count():,} letters written")
    say(f"  {turned:,} turned; WAL {written / 1e6:,.0f} MB, {written / loans:,.0f} bytes a loan")
    say(f"  peak memory of this process {peak():,.0f} MB")
    owner("VACUUM ANALYZE")
    with transaction.atomic(), connection.cursor() as cursor:
        bare = timed(partial(cursor.execute, BARE))
        transaction.set_rollback(True)  # the loans go on
    say("one bare UPDATE of all these rows", bare, loans=loans)
    kept = stages["lending.keep_portfolio"]
    found = (sum(stages.values()) - kept) / bare
    say(f"  = in bare UPDATEs, the close up to its proof: {found:.2f}; the figures kept after it: {kept / bare:.2f}")
    return Result(ratio=found, rival="time of one bare UPDATE of all these rows", target=2.0)


def provisions() -> Result:
    """Provide for every loan at the end of a month; beside a bare INSERT of the same rows into a bare table."""
    if not Loan.objects.exists():
        fill(to_month_end=True)
    while not next_ends_month():
        next_day({})
    enter_policy(text=DAY_ONE_POLICY.read_text(), actor=SYSTEM, now=timezone.now())
    owner("VACUUM ANALYZE")
    before = peak()
    stages = next_day({})
    rows = LoanProvision.objects.count()
    say(f"\nProvisions at the end of a month: {rows:,} loans, each with its periods ahead, in one process")
    for stage in ("lending.provide_loans", "lending.book_provisions"):
        say(f"  {stage}", stages[stage], loans=rows)
    say(f"  peak memory of this process {peak():,.0f} MB, {peak() - before:,.0f} MB more than before the close")
    say(
        "of it, the sum by product and currency that is booked", timed(lambda: changes_of(ProvisionMonth.objects.get()))
    )
    say("check_books: every row computed again from its figures", timed(provisions_apart), loans=rows)
    owner("CREATE TABLE bare (LIKE lending_loanprovision)")
    bare = timed(partial(owner, "INSERT INTO bare SELECT * FROM lending_loanprovision"))
    owner("DROP TABLE bare")
    say("one bare INSERT of the same rows, without index or constraint", bare, loans=rows)
    found = stages["lending.provide_loans"] + stages["lending.book_provisions"]
    say(f"  = the provisions take, in bare INSERTs: {found / bare:.1f}")
    return Result(ratio=found / 100, rival="100 s, a thousand loans a second of one process", target=1.0)


def fill(*, to_month_end: bool = False) -> None:
    """Pay a loan out on each of thirty days and let some fall due; then copy each, with what its nights booked.

    to_month_end: go on until the next day to be closed is the last of a month.
    """
    for offer in make_offers()[0][:BASES]:
        accept(offer)
    payouts = list(Transfer.objects.filter(kind=TransferKind.PAYOUT).order_by("pk")[:BASES])
    bank = SomePay({payouts[place].loan.merchant_id for place in LATE})
    for day in range(DAYS):
        if day < len(payouts):
            pay_out(payouts[day].pk)
        next_day({LOOPBACK: bank})
    while to_month_end and not next_ends_month():
        next_day({LOOPBACK: bank})
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    loans, times = list(Loan.objects.active().order_by("pk")), LOANS // BASES
    for number, loan in enumerate(loans):
        multiply(loan, times, after=number * times)
        book_nights(loan, times)
    owner("SELECT setval(pg_get_serial_sequence('lending_loanevent', 'id'), (SELECT max(id) FROM lending_loanevent))")
    owner("UPDATE lending_dayclose SET last_event = (SELECT max(id) FROM lending_loanevent)")  # the copies are not new


def give_addresses() -> None:
    """Let every merchant have an address to which letters go."""
    keys = account_keys()
    details = (
        ContactDetail(
            merchant=merchant,
            kind=DetailKind.EMAIL,
            language=Language.EN,
            text_key=keys.current,
            sealed_text=keys.seal(b"owner@shop.example".ljust(PADDED_TO), owner=contact_of(merchant.pk)),
            entered_by=str(SYSTEM),
            entered_at=timezone.now(),
        )
        for merchant in Merchant.objects.all()
    )
    ContactDetail.objects.bulk_create(details, batch_size=5_000)


def next_ends_month() -> bool:
    """Tell whether the next day to be closed is the last of its month."""
    return ((get_business_date() or date.min) + timedelta(days=1)).day == 1


def book_nights(loan: Loan, times: int) -> None:
    """Book for the copies of a loan what nights booked for it."""
    position = standing_of(loan, on=closed_to()).position
    copied = Posting.objects.filter(entry__event__loan=loan).values_list("credit").annotate(Sum("amount_minor"))
    by_events = dict(copied)
    earned = Position(
        interest_minor=(position.interest_minor - by_events.get("INTEREST_INCOME", 0)) * times,
        penalty_minor=(position.penalty_minor - by_events.get("PENALTY_INCOME", 0)) * times,
    )
    close = DayClose.objects.latest("day")
    with operation():
        entry = Entry.objects.create(
            code=ACCRUAL,
            effective_date=close.day,
            booked_at=timezone.now(),
            close=close,
            product_id=loan.product_id,
        )
        post((entry, movements(NOTHING, earned), loan.currency))


def next_day(gateways: Mapping[str, Gateway]) -> dict[str, float]:
    """Open the next day and close what is behind it, in this process; give the time of each stage."""
    today = get_business_date()
    assert today is not None
    open_day(on=today + timedelta(days=1), actor=SYSTEM, now=timezone.now())
    found = close_day(actor=SYSTEM, now=timezone.now())
    stages = {}
    for stage in CLOSE.stages:
        work = partial(collect_part, gateways=gateways) if stage.work is collect_part else stage.work
        jobs = list(JobRun.objects.of(stage.name, found.pk).order_by("part").values_list("pk", flat=True))
        stages[stage.name] = timed(partial(do_all, jobs, work))
    found.refresh_from_db()
    differing = [str(line) for line in ProofLine.objects.filter(close=found).exclude(ledger_minor=F("loans_minor"))]
    assert found.state == "PROVEN", (differing, found.drifted[:5])
    return stages


def owner(statement: str) -> None:
    """Execute a statement as the owner of the tables."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def wal() -> int:
    """Return how many bytes of WAL were written so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


WORKLOADS = {"close": close, "provisions": provisions}
