"""A loan book is taken over: judged whole, booked whole, proven; and its loans live on like any other."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.book_rows import BookRefusal
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.events import EventType
from lending.models import Entry, ImportedLoan, Instalment, Loan, LoanEvent, Posting, ProductExposure, Transfer
from lending.operations.loans import book_repayment
from merchants.models import Merchant, Partner
from scoring.models import BehaviourFact
from tests.conftest import CLERK, NOW
from tests.lending.bank import Bank
from tests.lending.bookings import book, reverse_event
from tests.lending.books import CUT_OVER, control_of, pays, some_history, write_book, written_loan
from tests.lending.loans import close, proven, roll, verify_account
from tests.lending.takeovers import make_market, some_book, take_over

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def nothing_booked() -> bool:
    return not any(kind.objects.exists() for kind in (Loan, LoanEvent, Instalment, Entry, ImportedLoan, Posting))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_book_is_taken_over_and_proven(tmp_path: Path, ending: str) -> None:
    """Red if a balance, an event, a schedule or a kept sum of any imported loan is not the book's."""
    loans = some_book(make_market(4), 18)
    take_over(write_book(tmp_path / "book", loans, ending=ending))
    assert Loan.objects.count() == ImportedLoan.objects.count() == 18
    assert LoanEvent.objects.count() == sum(len(one.events) for one in loans)
    assert Instalment.objects.count() == sum(len(one.schedule) for one in loans)
    assert set(Entry.objects.values_list("code", "effective_date")) == {("OPENING", CUT_OVER)}
    assert set(Loan.objects.values_list("status", flat=True)) == {"ACTIVE", "CLOSED", "WRITTEN_OFF"}
    assert set(Loan.objects.values_list("booked_to", "imported_on")) == {(CUT_OVER, CUT_OVER)}
    assert not Loan.objects.filter(application__isnull=False).exists()
    assert sum(ProductExposure.objects.values_list("loans", flat=True)) == 18
    assert proven()
    call_command("check_books")


def test_check_books_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_book(tmp_path / "book", some_book(make_market(2), 3))
    take_over(folder, check=True)
    assert nothing_booked()
    assert "3 loans: 3 to import" in capsys.readouterr().out


def test_the_same_book_again_books_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Red if a loan is booked twice, or one that changed is taken for the same."""
    loans = some_book(make_market(2), 4)
    take_over(write_book(tmp_path / "book", loans))
    take_over(write_book(tmp_path / "again", loans, ending="parquet"))
    assert "0 to import, 4 imported before" in capsys.readouterr().out
    assert Loan.objects.count() == 4
    loans[1].loan["grade"] = "A1"
    with pytest.raises(CommandError, match="1 loans are refused"):
        take_over(write_book(tmp_path / "other", loans))
    assert "IMPORTED_OTHERWISE" in capsys.readouterr().out
    assert Loan.objects.count() == 4


def test_imported_loans_live_on(tmp_path: Path) -> None:
    """Red if a night, a collection, a payment or a verb treats an imported loan otherwise than its own."""
    loans = some_book(make_market(9), 9)
    take_over(write_book(tmp_path / "book", loans))
    running = Loan.objects.active().order_by("pk")
    late = running.filter(late_since__isnull=False)
    assert late.exists()
    book_repayment(loan_id=running[0].pk, amount_minor=10_000, on=CUT_OVER, external_ref="new-1", actor=SYSTEM, now=NOW)
    book(EventType.CHARGE, loan_id=running[1].pk, on=CUT_OVER, amount_minor=700)
    book(EventType.WAIVE_FEE, loan_id=running[1].pk, on=CUT_OVER, amount_minor=700)
    book(EventType.EXTEND, loan_id=running[1].pk, on=CUT_OVER, periods=2)
    book(EventType.WRITE_OFF, loan_id=late[0].pk, on=CUT_OVER)
    repaid = Loan.objects.get(imported__number="L-8")
    reverse_event(
        loan_id=repaid.pk, seq=4, on=CUT_OVER, reason="it bounced", actor=CLERK, now=NOW
    )  # of before the cut-over
    assert proven()
    bank = Bank()
    open_day(on=CUT_OVER + DAY, actor=SYSTEM, now=NOW)
    assert close(bank.gateways).state == CloseState.PROVEN
    assert set(Transfer.objects.values_list("state", flat=True)) == {"DONE"}
    assert sum(bank.moved.values()) > 0
    roll(CUT_OVER + timedelta(days=4))
    assert proven()
    call_command("check_books")
    facts = BehaviourFact.objects.order_by("business_date").values_list("business_date", flat=True)
    assert facts[0] == CUT_OVER, "nothing is told of days that another kept"
    assert set(facts.values_list("merchant", flat=True)) == set(Merchant.objects.values_list("pk", flat=True))
    assert get_business_date() == CUT_OVER + timedelta(days=4)


REFUSED: dict[BookRefusal, Any] = {
    BookRefusal.UNREADABLE: lambda one: one.loan.update(principal="12,000.00"),
    BookRefusal.UNKNOWN_MERCHANT: lambda one: one.loan.update(merchant="nobody"),
    BookRefusal.UNKNOWN_PRODUCT: lambda one: one.loan.update(product="day-zero"),
    BookRefusal.CURRENCY_DIFFERS: lambda one: one.loan.update(currency="EUR", product="term"),
    BookRefusal.BAD_TERMS: lambda one: one.loan.update(periods="0"),
    BookRefusal.NOT_BEFORE_CUT_OVER: lambda one: one.events[-1].update(on=str(CUT_OVER)),
    BookRefusal.NOT_DISBURSED: lambda one: one.events.clear(),
    BookRefusal.DISBURSED_OTHERWISE: lambda one: one.loan.update(disbursed_on="2025-11-19"),
    BookRefusal.EVENTS_MAKE_NO_LOAN: lambda one: one.events[0].update(amount="1.00"),
    BookRefusal.SCHEDULE_DIFFERS: lambda one: one.schedule[2].update(interest="0.01"),
    BookRefusal.BALANCE_DIFFERS: lambda one: one.loan.update(open_fees="3.00"),
    BookRefusal.DAYS_PAST_DUE_DIFFER: lambda one: one.loan.update(days_past_due="3"),
}


def test_each_refusal_and_nothing_booked(tmp_path: Path) -> None:
    """Red if a loan is refused for another reason, the report does not name it, or any loan of the book is booked."""
    names = make_market(1)
    good = written_loan("good", merchant=names[0])
    bad = []
    for number, (reason, spoil) in enumerate(REFUSED.items()):
        one = written_loan(reason.value, *some_history(1 + 9 * number), merchant=names[0])
        spoil(one)
        bad.append(one)
    twice = [written_loan("twice", merchant=names[0]) for _ in range(2)]
    for one in twice[1:]:
        one.schedule, one.events = [], []
    shared = [written_loan(f"shared-{n}", pays(CUT_OVER - DAY, 1_000, "one-payment"), merchant=names[0]) for n in "ab"]
    report = tmp_path / "report.jsonl"
    with pytest.raises(CommandError, match="Nothing is booked"):
        take_over(write_book(tmp_path / "book", [good, *bad, *twice, *shared]), to=report)
    assert nothing_booked()
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert {line["loan"]: line["reason"] for line in told} == {
        **{reason.value: reason.value for reason in REFUSED},
        "twice": "NUMBER_TWICE",
        "shared-a": "REFERENCE_USED",
        "shared-b": "REFERENCE_USED",
    }
    assert [line["line"] for line in told] == list(range(2, 2 + len(told)))


def test_refused_loans_are_left_out_when_that_is_accepted(tmp_path: Path) -> None:
    """Red if the control totals of a book with refused loans are not still those of all its rows."""
    names = make_market(2)
    loans = some_book(names, 3)
    loans[1].loan["merchant"] = "nobody"
    folder = write_book(tmp_path / "book", loans)
    with pytest.raises(CommandError, match="1 loans are refused"):
        take_over(folder)
    take_over(folder, accept_refused=True)
    assert set(ImportedLoan.objects.values_list("number", flat=True)) == {"L-0", "L-2"}
    assert proven()


@pytest.mark.parametrize("what", ["loans", "open_principal", "credit"])
def test_a_control_total_that_differs_stops_all(tmp_path: Path, what: str) -> None:
    loans = some_book(make_market(2), 3)
    control = control_of(loans)
    if what == "loans":
        control["loans"] = 4
    else:
        control["totals"]["CNY"][what] = "1.23"
    with pytest.raises(CommandError, match=f"control totals differ: {what}"):
        take_over(write_book(tmp_path / "book", loans, control=control), accept_refused=True)
    assert nothing_booked()


def test_rows_of_no_loan_stop_all(tmp_path: Path) -> None:
    loans = some_book(make_market(2), 2)
    loans[0].schedule.append({**loans[0].schedule[0], "loan": "L-9"})
    with pytest.raises(CommandError, match="schedule, row 7: loan 'L-9' is not among the loans"):
        take_over(write_book(tmp_path / "book", loans), accept_refused=True)
    assert nothing_booked()


@pytest.mark.parametrize(("column", "shift", "kind"), [
    ("open_interest", 1, EventType.CHARGE),
    ("open_interest", -2, EventType.WAIVE_INTEREST),
    ("open_penalty", -1, EventType.WAIVE_PENALTY),
])  # fmt: skip
def test_a_small_difference_is_booked_with_its_reason(tmp_path: Path, column: str, shift: int, kind: EventType) -> None:
    """Red if interest that differs is silently ours, or silently the book's, or beyond the tolerance taken at all."""
    loan = written_loan("L-1", merchant=make_market(1)[0])
    theirs = int(loan.loan[column].replace(".", "")) + shift
    assert theirs > 0
    loan.loan[column] = f"{theirs / 100:.2f}"
    folder = write_book(tmp_path / "book", [loan])
    with pytest.raises(CommandError, match="1 loans are refused"):
        take_over(folder, tolerance=abs(shift) - 1)
    take_over(folder, tolerance=abs(shift))
    found = LoanEvent.objects.get(on=CUT_OVER)
    assert (found.type, found.amount_minor, found.reason) == (kind, abs(shift), "difference at the cut-over")
    assert set(Entry.objects.values_list("code", "event")) == {("OPENING", None), (kind.name, found.pk)}
    assert proven()


def test_a_book_is_not_taken_over_at_a_wrong_time(tmp_path: Path) -> None:
    """Red if loans are booked in days to come, behind days not closed, or with the totals of another date."""
    loans = some_book(make_market(2), 2)
    folder = write_book(tmp_path / "book", loans)
    with pytest.raises(CommandError, match="The control totals are of 2026-03-01"):
        call_command("import_loan_book", folder, cut_over="2026-02-28")
    later = CUT_OVER + DAY
    write_book(folder, loans, control=control_of(loans, cut_over=later))
    with pytest.raises(CommandError, match="IN_THE_FUTURE"):
        call_command("import_loan_book", folder, cut_over=str(later))
    take_over(write_book(tmp_path / "first", loans))
    open_day(on=later, actor=SYSTEM, now=NOW)
    with pytest.raises(CommandError, match="NOT_CLOSED_UP_TO"):
        call_command("import_loan_book", folder, cut_over=str(later))


def test_a_book_that_comes_late_is_booked_on_the_first_open_day(tmp_path: Path) -> None:
    """Red if the ledger lacks what its loans earned in the nights since, or something falls into a proven day."""
    names = make_market(4)
    own = written_loan("own", merchant=names[0])
    take_over(write_book(tmp_path / "first", [own]))
    roll(CUT_OVER + timedelta(days=3))
    take_over(write_book(tmp_path / "late", some_book(names, 9)))
    assert set(Entry.objects.filter(loan__pk__gt=Loan.objects.earliest("pk").pk).values_list("effective_date")) == {
        (CUT_OVER + timedelta(days=3),)
    }
    assert proven()
    roll(CUT_OVER + timedelta(days=5))
    assert proven()


def test_a_loan_without_an_account_is_collected_once_there_is_one(tmp_path: Path) -> None:
    """Red if the close of a day fails at such a loan, or never asks for it."""
    make_market(0)
    merchant = Merchant.objects.create(partner=Partner.objects.get(), external_id="late", name="late", currency="CNY")
    take_over(write_book(tmp_path / "book", [written_loan("L-1", merchant="late")]))
    loan = Loan.objects.get()
    assert (loan.payout_account, loan.status) == (None, LoanStatus.ACTIVE)
    bank = Bank()
    open_day(on=CUT_OVER + DAY, actor=SYSTEM, now=NOW)
    close(bank.gateways)
    assert not bank.asked
    verify_account(merchant)
    open_day(on=CUT_OVER + 2 * DAY, actor=SYSTEM, now=NOW)
    close(bank.gateways)
    assert bank.asked
    assert Transfer.objects.filter(loan=loan, kind="COLLECTION").exists()
    assert proven()
