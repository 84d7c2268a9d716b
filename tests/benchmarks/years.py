"""Two years of lending day by day: loans of both kinds, borrowers good and bad, everything that servicing does.

Every day is closed and proven; at the end every loan is replayed, and the income statement explained by the loans.
"""

import gc
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.domain.books.booking import Booking
from lending.domain.books.journal import Journal
from lending.domain.books.transfer import Answer, Moved, Nothing
from lending.domain.contract.events import EventType
from lending.gateways.protocol import Order, Report
from lending.gateways.registry import LOOPBACK
from lending.models import Loan, LoanEvent
from lending.operations.loans import EventNotBooked, book_by_hand
from lending.operations.write_offs import write_off_late_loans
from lending.queries.books import booked_loans, drifted_loans
from lending.queries.closes import last_proven_day
from lending.queries.income import income_by_loan, income_statement
from merchants.models import Merchant
from tests.benchmarks.nights import next_day
from tests.benchmarks.results import DIRECTORY, Result, say
from tests.lending.loans import OPENED, make_loan, pay_out
from tests.lending.management.test_export_ledger import balances, changed, complaints, proven

MERCHANTS = int(os.environ["MERCHANTS"])
DAYS = int(os.environ.get("DAYS", "730"))
OPEN_ENDED = {"method": "MINIMUM_PAYMENT", "periods": 36, "minimum_share": "0.1", "minimum_minor": 10_000}
"""How a draw on a line falls due that has no term of its own."""
NEW_A_DAY = 0.012  # of the merchants without a loan, about what keeps most of them borrowing
EVENTS_A_DAY = 0.004  # of the loans, beside what is collected
KINDS = [
    *[EventType.REPAYMENT] * 6, EventType.SETTLEMENT, EventType.CHARGE, EventType.WAIVE_INTEREST, EventType.WAIVE_FEE,
    EventType.PAUSE, EventType.EXTEND, EventType.RE_AMORTISE, EventType.RE_AGE, EventType.RATE_CHANGE,
    EventType.REFUND_CREDIT, EventType.BOUNCE, EventType.REVERSAL,
]  # fmt: skip


class Town:
    """A bank whose customers pay: most always, some late, some never again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._gone: set[int] = set()

    def pay(self, order: Order) -> Answer:
        return Moved(order.amount.minor)

    def collect(self, order: Order) -> Answer:
        """Every ninth merchant pays a part or nothing half of the time; a few in a thousand never pay again."""
        if self._rng.random() < 0.003:
            self._gone.add(order.merchant_id)
        if order.merchant_id in self._gone or (order.merchant_id % 9 == 0 and self._rng.random() < 0.5):
            return Nothing("not enough funds")
        if order.merchant_id % 9 == 0 and order.amount.minor > 1:
            return Moved(order.amount.minor // 2)
        return Moved(order.amount.minor)

    def reports(self) -> Iterable[Report]:
        return []

    def forget(self, report: Report) -> None:
        """Nothing was reported."""


def years() -> Result:
    """Live through the days, and time each day's close."""
    gc.enable()  # the tests' own modules switch it off
    rng, town, slowest = random.Random(2), Town(random.Random(3)), 0.0  # noqa: S311 - a simulation
    merchants = list(_merchants())
    say(f"\n{DAYS} days of {len(merchants):,} merchants, loans by instalments and open-ended draws, in one process")
    began, spent, events = time.perf_counter(), 0.0, 0
    for number in range(DAYS):
        events += _live(rng, merchants)
        start = time.perf_counter()
        next_day({LOOPBACK: town})
        took = time.perf_counter() - start
        spent, slowest = spent + took, max(slowest, took)
        if number % 73 == 72:
            running = Loan.objects.active().count()
            say(f"  day {number + 1}: {running:,} running, {Loan.objects.count():,} loans", took, loans=running)
    drifted = [pk for chunk in booked_loans() for pk in drifted_loans(chunk)]
    assert not drifted, drifted[:5]
    say(f"  every day proven, and no loan drifted; {LoanEvent.objects.count():,} events, {events:,} of them by hand")
    say(f"  all {DAYS} days", time.perf_counter() - began)
    _tell_income()
    _check_by_others()
    say(f"  a day's close, at the mean {1_000 * spent / DAYS:,.0f} ms, at worst {1_000 * slowest:,.0f} ms")
    return Result(ratio=spent / DAYS, rival="one second, by the mean of a day's close", target=1.0)


def _merchants() -> Iterator[Merchant]:
    first = make_loan(amount_minor=1_000_000).merchant
    yield first
    for number in range(1, MERCHANTS):
        yield make_loan(amount_minor=500_000 + 1_000 * (number % 900), months=3 + number % 10).merchant


def _live(rng: random.Random, merchants: list[Merchant]) -> int:
    """Do what a day brings before it is closed: loans, payouts, what staff and merchants ask for, write-offs."""
    today = get_business_date()
    assert today is not None
    busy = set(Loan.objects.filter(status__in=["APPROVED", "ACTIVE", "WRITTEN_OFF"]).values_list("merchant", flat=True))
    for merchant in merchants:
        if merchant.pk not in busy and rng.random() < NEW_A_DAY:
            kind: dict[str, Any] = {"terms": OPEN_ENDED} if merchant.pk % 2 else {"months": rng.randint(1, 12)}
            make_loan(merchant=merchant, amount_minor=rng.randrange(100_000, 5_000_000, 100), **kind)
    _pay_out()
    running = list(Loan.objects.active().order_by("pk").values_list("pk", flat=True))
    done = sum(_serve(rng, loan, today) for loan in running if rng.random() < EVENTS_A_DAY)
    write_off_late_loans(clock=timezone.now)
    return done


def _pay_out() -> None:
    """Pay out what was approved, a thirtieth of the merchants a day at most, so that their dues are spread."""
    for loan in Loan.objects.filter(status="APPROVED").order_by("pk")[: 1 + MERCHANTS // 30]:
        pay_out(loan)


def _serve(rng: random.Random, loan_id: int, today: date) -> bool:
    """Book something by hand; what the rules refuse is not booked."""
    loan, kind = Loan.objects.get(pk=loan_id), rng.choice(KINDS)
    figures: dict[str, Any] = {}
    if kind in {EventType.BOUNCE, EventType.REVERSAL}:
        last = loan.events.filter(type="repayment").order_by("-seq").first()
        if last is None:
            return False
        figures["of"] = last.seq
    elif kind is EventType.RATE_CHANGE:
        figures["rate"] = Decimal(rng.randrange(5, 30)) / 100
    elif kind in {EventType.PAUSE, EventType.EXTEND, EventType.RE_AMORTISE, EventType.RE_AGE}:
        figures["periods"] = rng.randint(1, 6)
    else:
        figures["amount_minor"] = rng.randrange(1, max(2, loan.principal_minor))
    booking = Booking(type=kind, on=today, by_hand=True, reason="as life is", sure=True, **figures)
    try:
        book_by_hand(loan_id=loan_id, booking=booking, actor=SYSTEM, now=timezone.now())
    except EventNotBooked:
        return False
    return True


def _tell_income() -> None:
    """State the income of each year beside what the loans say of it, and demand that they agree over all years.

    In a year they differ by what was reversed later: the ledger has it in the year in which it was booked.
    """
    last, first, apart = last_proven_day(), OPENED, defaultdict[str, int](int)
    assert last is not None
    while first <= last:
        end = min(last, first + timedelta(days=364))
        say(f"  income from {first} to {end}: the ledger, the loans, booked in another year")
        for line in income_statement(first, end, loans=income_by_loan(first, end)):
            amounts = (line.ledger_minor, line.loans_minor, line.ledger_minor - line.loans_minor)
            shown = "".join(f"{format_minor(minor, line.currency, grouped=True):>18}" for minor in amounts)
            say(f"    {line.account:20}{shown}")
            apart[line.account] += amounts[-1]
        first = end + timedelta(days=1)
    assert not any(apart.values()), apart


def _check_by_others() -> None:
    """Let hledger and beancount check the ledger, and add up its balances; then the same with one posting changed."""
    for journal in Journal:
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        path, start = DIRECTORY / f"books.{journal}", time.perf_counter()
        call_command("export", "ledger", format=journal, to=path, stdout=StringIO())
        assert complaints(journal, path) == ""
        assert balances(journal, path) == proven()
        found = time.perf_counter() - start
        ways = list(changed(path.read_text()))
        for way in ways:
            path.write_text(way)
            assert complaints(journal, path)
        say(f"  {journal}: nothing wrong, balances as proven, each of {len(ways)} changes of one posting caught", found)


WORKLOADS = {"years": years}
