"""Closed months: closed by two people, locked by the database, kept as they were."""

from functools import partial
from io import StringIO
from json import loads

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.approvals import NotApproved
from config.office.business_date import open_day
from config.office.models import ApprovalRequest, OperationEvent
from lending.domain.books.ledger import Account
from lending.domain.books.month_close import MonthRefusal
from lending.domain.contract.events import EventType
from lending.models import Entry, Loan, LoanEvent, MonthClose, Posting
from lending.operations.bookings import lock_books
from lending.operations.month_close import MonthNotClosed, close_month, month_act
from lending.queries.ledger import trial_balance
from lending.queries.month_closes import closed_months_apart, kept_trial
from tests.approvals import approve_open, approved
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.forge import as_owner, forge_fact, tamper
from tests.lending.bookings import book, take_repayment
from tests.lending.loans import checked, close, lent, roll
from tests.lending.office import staff
from tests.lending.provisions import APRIL, APRIL_END, DAY, MARCH, MARCH_END, provide_by
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


def march() -> None:
    provide_by()
    lent(), lent(currency="JPY", amount_minor=1_234_567)
    roll(MARCH_END + DAY)


@pytest.fixture(autouse=True)
def _march() -> None:
    begin("a month that is over", march)


def raise_sums_of(account: str) -> None:
    """Add to the debits of an account on each day, as only the owner of the tables could."""
    tamper(
        "lending_accountday",
        f"UPDATE lending_accountday SET debit_minor = debit_minor + 1 WHERE account_id = '{account}'",
    )


def closed_march() -> MonthClose:
    return close_month(month=MARCH, actor=CLERK, now=NOW, approval=approved(month_act(MARCH), actor=CLERK, now=NOW))


def test_a_month_is_closed_by_two_people_and_keeps_its_trial_balance() -> None:
    with pytest.raises(NotApproved):
        close_month(month=MARCH, actor=CLERK, now=NOW)
    found = closed_march()
    lines = {(line.account, line.currency): line for line in trial_balance(MARCH, MARCH_END)}
    assert {(line.account, line.currency): line for line in kept_trial(found)} == lines
    assert lines[Account.PROVISION, "CNY"].credit_minor > 0
    assert found.closed_by != found.approved_by != ""
    event = OperationEvent.objects.filter(name="lending.close_month").latest("pk")
    assert event.after == {"month": "2026-03", "sha256": found.sha256}
    with pytest.raises(MonthNotClosed) as refused:
        closed_march()
    assert refused.value.reason is MonthRefusal.CLOSED_ALREADY


def test_an_approval_is_for_the_trial_balance_that_was_shown() -> None:
    approval = approved(month_act(MARCH), actor=CLERK, now=NOW)
    posting = Posting.objects.filter(entry__effective_date__lte=MARCH_END).earliest("pk")
    raise_sums_of(posting.debit_id)
    with pytest.raises(NotApproved):
        close_month(month=MARCH, actor=CLERK, now=NOW, approval=approval)
    assert not MonthClose.objects.exists()


class Books:
    """The books as something that `race` can hold."""

    def lock(self) -> list[object]:
        lock_books(exclusive=True)
        return []


def test_of_two_who_close_a_month_at_once_one_does() -> None:
    """Red if a close did not wait for bookings under way, or the refusal were judged before the lock."""
    closing = partial(close_month, month=MARCH, actor=SYSTEM, now=NOW)
    outcomes = race(closing, closing, held=Books())  # type: ignore[arg-type] # all that it asks of a queryset
    assert {type(outcome) for outcome in outcomes} == {MonthClose, MonthNotClosed}
    assert MonthClose.objects.count() == 1


@pytest.mark.parametrize("table", ["lending_entry", "lending_posting"])
def test_the_database_takes_nothing_with_a_date_in_a_closed_month(table: str) -> None:
    """Red without the trigger: round Python, as the application's role and as the owner of the tables."""
    entry, posting = Entry.objects.latest("pk"), Posting.objects.latest("pk")
    entry.pk, entry.code, entry.effective_date, entry.event = None, "ACCRUAL", MARCH_END, None
    entry.save(force_insert=True)  # while it is open
    closed_march()
    if table == "lending_entry":
        entry.pk = None
    else:
        posting.pk, posting.entry = None, entry
    with connection.cursor() as cursor:  # which would be found first
        cursor.execute("CREATE TEMPORARY TABLE lending_monthclose (month date)")
    with pytest.raises(IntegrityError, match="the month is closed"), transaction.atomic():
        (entry if table == "lending_entry" else posting).save(force_insert=True)
    columns = "entry_id, debit_id, credit_id, currency, amount_minor"
    if table == "lending_posting":
        with pytest.raises(IntegrityError, match="the month is closed"), transaction.atomic():
            as_owner(f"INSERT INTO lending_posting ({columns}) SELECT {columns} FROM lending_posting")
    entry.pk, entry.effective_date = None, APRIL
    entry.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE pg_temp.lending_monthclose")


def test_what_is_dated_back_into_a_closed_month_is_booked_in_the_open_one() -> None:
    """Red if a difference, or what was earned until then, fell on its own date."""
    closed_march()
    before = kept_trial(MonthClose.objects.get())
    loan = Loan.objects.filter(currency="CNY").earliest("pk")
    entries = Entry.objects.count()
    take_repayment(loan_id=loan.pk, amount_minor=50_000, on=MARCH + 10 * DAY, reason="x", actor=CLERK, now=NOW)
    book(EventType.CHARGE, loan_id=loan.pk, amount_minor=700, on=MARCH + 12 * DAY)
    new = Entry.objects.order_by("pk")[entries:]
    assert {entry.effective_date for entry in new} == {APRIL}
    assert {event.on for event in LoanEvent.objects.filter(loan=loan).order_by("-pk")[:2]} == {
        MARCH + 10 * DAY,
        MARCH + 12 * DAY,
    }
    assert set(before) == set(trial_balance(MARCH, MARCH_END))
    open_day(on=APRIL + DAY, actor=SYSTEM, now=NOW)
    assert close().state == "PROVEN"
    assert checked()["proven"]


def test_a_closed_month_that_is_not_its_postings_any_more_is_found() -> None:
    closed_march()
    assert closed_months_apart() == []
    posting = Posting.objects.filter(entry__effective_date__lte=MARCH_END).latest("pk")
    amount = posting.amount_minor
    forge_fact(posting, amount_minor=amount + 1)
    assert closed_months_apart() == [MARCH]
    output = StringIO()
    with pytest.raises(CommandError, match="trial balances of 1 closed months"):
        call_command("check_books", "--json", stdout=output)
    assert loads(output.getvalue())["closed_months"] == ["2026-03"]
    forge_fact(posting, amount_minor=amount)
    found = MonthClose.objects.get()
    forge_fact(found, content=found.content.replace("CNY", "CNX", 1))
    assert closed_months_apart() == [MARCH]


def test_a_second_month_follows_the_first() -> None:
    with pytest.raises(MonthNotClosed) as refused:
        close_month(month=APRIL, actor=SYSTEM, now=NOW)
    assert refused.value.reason is MonthRefusal.MONTH_NOT_OVER
    roll(APRIL_END + DAY)
    with pytest.raises(MonthNotClosed) as refused:
        close_month(month=APRIL, actor=SYSTEM, now=NOW)
    assert refused.value.reason is MonthRefusal.EARLIER_MONTH_OPEN
    closed_march()
    close_month(month=APRIL, actor=SYSTEM, now=NOW)
    assert closed_months_apart() == []
    kept = {(line.account, line.currency): line for line in kept_trial(MonthClose.objects.latest("month"))}
    assert kept[Account.PRINCIPAL, "CNY"].opening_minor > 0


def test_finance_asks_the_controller_approves_and_the_page_shows_it(client: Client) -> None:
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_monthclose_close")
    assertContains(client.get(reverse("admin:lending_monthclose_changelist")), "No month is closed yet.")
    page = client.post(address, {"month": "2026-03-01"})
    assertContains(page, "there is no way back")
    assertContains(client.post(address, {"month": "2026-04-01"}), "The month is not over")
    client.post(address, {"month": "2026-03-01", "step": "confirm", "sure": "1"})
    assert ApprovalRequest.objects.filter(state="OPEN").count() == 1
    assertContains(client.get(reverse("admin:office_approvalrequest_changelist")), ">2026-03<")
    assert not MonthClose.objects.exists()
    approve_open()
    found = MonthClose.objects.get()
    listed = client.get(reverse("admin:lending_monthclose_changelist"))
    assertContains(listed, "2026-03")
    assertContains(listed, "from=2026-03-01")
    address = reverse("admin:lending_monthclose_change", args=[found.pk])
    assertContains(client.get(address), "As in the ledger")
    posting = Posting.objects.filter(entry__effective_date__lte=MARCH_END).latest("pk")
    raise_sums_of(posting.debit_id)
    assertContains(client.get(address), "The ledger has changed since")
    forge_fact(found, content=found.content.replace("CNY", "CNX", 1))
    assertContains(client.get(address), "The ledger has changed since")
