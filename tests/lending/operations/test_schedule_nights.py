"""Nights of loans whose schedules are shaped by fees, business days, graces: each is proven, and rows are a replay."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import product as crossed

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from lending.domain.books.day_close import CloseState
from lending.domain.contract.events import EventType
from lending.models import DayClose, Entry, Loan
from lending.operations.day_close import CLOSE, close_day
from lending.queries.books import drifted_loans
from lending.queries.income import income_by_loan, income_statement
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, close, lent, roll
from tests.lending.office import staff
from tests.stages import do_job, do_stages

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
END = date(2026, 4, 6)
FEES = [
    {"due": "DISBURSEMENT", "share": "0.01"},
    {"due": "FIRST_DUE", "amount_minor": 700},
    {"due": "EVERY_DUE", "amount_minor": 90},
]
CALENDAR = {
    "name": "town",
    "first_year": 2026,
    "last_year": 2026,
    "weekend": [6, 7],
    "working": [],
    "holidays": ["2026-03-11", "2026-03-16"],
}
SHAPES: dict[str, dict[str, object]] = {
    "fees": {"fees": FEES},
    "business days": {"business_days": "FOLLOWING", "calendar": CALENDAR, "fees": FEES},
    "grace": {"principal_grace": 2, "remainder": "LAST", "rate": "0"},
}
PAID: Mapping[int, Sequence[tuple[int, int]]] = {
    5: [(0, 20_000)],
    7: [(2, 300_000)],
    11: [(0, 20_000)],
    15: [(0, 20_000)],
    17: [(1, 20_000)],
}
"""By the day: which loan pays how much."""
ACCOUNTS = """
SELECT account, sum(amount)::bigint FROM (
    SELECT debit_id AS account, amount_minor AS amount FROM lending_posting
    UNION ALL SELECT credit_id, -amount_minor FROM lending_posting
) sides GROUP BY account
"""


def accounts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        return {account: minor for account, minor in cursor.fetchall() if minor}


def live(*, at_once: bool) -> None:
    """Live until the end, closing each day behind, or all of them at once; one is paid off."""
    loans = list(Loan.objects.order_by("pk"))
    for days in range(1, (END - OPENED).days + 1):
        today = OPENED + days * DAY
        open_day(on=today, actor=SYSTEM, now=NOW)
        if not at_once:
            close()
        for which, minor in PAID.get(days, ()):
            pk = loans[which].pk
            take_repayment(loan_id=pk, amount_minor=minor, on=today, reason="paid", actor=CLERK, now=NOW)
    while DayClose.objects.count() < (END - OPENED).days:
        close()


@pytest.mark.parametrize(("shape", "at_once"), [*crossed(SHAPES, [False, True])])
def test_rows_are_what_a_replay_gives_and_every_night_is_proven(shape: str, at_once: bool) -> None:  # noqa: FBT001
    for _ in range(3):
        lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS | SHAPES[shape])
    live(at_once=at_once)
    assert set(DayClose.objects.values_list("state", flat=True)) == {CloseState.PROVEN}
    assert DayClose.objects.count() == (END - OPENED).days
    assert drifted_loans(list(Loan.objects.all()), have_turned=True) == []
    statement = income_statement(OPENED, END - DAY, loans=income_by_loan(OPENED, END - DAY))
    assert all(line.ledger_minor == line.loans_minor for line in statement)
    KNOWN.setdefault(shape, accounts())
    assert accounts() == KNOWN[shape], "whether each day is closed when it ends, or all of them later"


KNOWN: dict[str, dict[str, int]] = {}


def test_a_fee_is_owed_from_its_due_date_while_principal_is_outstanding() -> None:
    for _ in range(3):
        lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS | {"fees": FEES})
    live(at_once=False)
    punctual, late, gone = Loan.objects.order_by("pk")
    assert [loan.fees_minor for loan in (punctual, late)] == [1_000 + 700 + 6 * 90] * 2
    assert gone.fees_minor == 1_000 + 700 + 90, "it was paid off before the second instalment"
    assert late.fees_paid_minor > 0
    assert accounts()["FEE_INCOME"] == -sum(loan.fees_minor for loan in (punctual, late, gone))


def accrue(found: DayClose) -> None:
    do_job(CLOSE, JobRun.objects.get(name="lending.accrue_day", subject_id=found.pk))


WHEN: list[Callable[[DayClose], None]] = [lambda _close: None, accrue]


@pytest.mark.parametrize("until", WHEN, ids=["before the night is summed", "before the loan turns"])
@pytest.mark.parametrize("kind", [EventType.REPAYMENT, EventType.CHARGE])
def test_a_fee_is_posted_once_with_a_booking_in_the_middle_of_its_night(
    until: Callable[[DayClose], None], kind: EventType
) -> None:
    """Red if the booking that advances the loan posted the fee as well as the night, or neither did."""
    loan = lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS | {"fees": FEES})
    roll(OPENED + 4 * DAY)
    open_day(on=OPENED + 5 * DAY, actor=SYSTEM, now=NOW)
    found = close_day(actor=SYSTEM, now=NOW)
    collect = JobRun.objects.filter(name="lending.collect_dues", subject_id=found.pk)
    for job in collect:
        do_job(CLOSE, job)
    until(found)
    book(kind, loan_id=loan.pk, on=OPENED + 5 * DAY, amount_minor=500)
    do_stages(CLOSE, found.pk)
    found.refresh_from_db()
    assert found.state == CloseState.PROVEN
    charged = 500 if kind is EventType.CHARGE else 0
    assert accounts()["FEE_INCOME"] == -(1_000 + 700 + 90 + charged)
    roll(OPENED + 11 * DAY)
    assert set(DayClose.objects.values_list("state", flat=True)) == {CloseState.PROVEN}
    assert accounts()["FEE_INCOME"] == -(1_000 + 700 + 2 * 90 + charged)


def test_a_fee_is_waived_reversed_and_written_off_as_a_charge_is(client: Client) -> None:
    loan = lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS | {"fees": FEES})
    book(EventType.WAIVE_FEE, loan_id=loan.pk, amount_minor=400)
    roll(OPENED + 5 * DAY)
    book(EventType.WRITE_OFF, loan_id=loan.pk, on=OPENED + 5 * DAY)
    roll(OPENED + 12 * DAY)
    loan.refresh_from_db()
    assert (loan.fees_minor, loan.fees_written_off_minor) == (1_790, 1_790), "none falls due of what is written off"
    assert set(DayClose.objects.values_list("state", flat=True)) == {CloseState.PROVEN}
    client.force_login(staff(Role.FINANCE))
    plain = lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS)
    assertContains(client.get(reverse("admin:lending_loan_change", args=[loan.pk])), ">Fee<")
    assertNotContains(client.get(reverse("admin:lending_loan_change", args=[plain.pk])), ">Fee<")
    [entry] = Entry.objects.filter(code="DISBURSEMENT", event__loan=loan)
    assert entry.postings.filter(debit="FEE_RECEIVABLE", credit="FEE_INCOME", amount_minor=1_000).exists()
