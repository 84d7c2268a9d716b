"""Twenty business days of a bank that fails in every way it offers: no money lost or doubled, each line explained."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pytest

from config.db.transactions import operation
from config.kernel.calendar import EPOCH
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.bank_lines import LineReason, Resolution
from lending.domain.books.day_close import CloseState
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import TransferKind, TransferState
from lending.models import (
    BankAnswer,
    BankFile,
    BankStatement,
    DayClose,
    Loan,
    LoanEvent,
    StatementLine,
    Transfer,
)
from lending.operations.bank_statements import book_after_gap
from lending.operations.day_close import DayNotClosed
from lending.operations.payouts import make_payout
from lending.operations.statement_lines import resolve_line
from lending.queries.bank_lines import Asked
from lending.queries.bank_orders import unanswered, uncleared
from lending.queries.books import drifted_loans, prove_accounts
from lending.queries.gateways import get_gateways
from lending.tasks import settle_transfers
from tests.conftest import NOW
from tests.lending.loans import close, make_loan
from tests.mock_bank import FolderBank, enter, iban, mock_bank, with_account

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY: Final = date(2026, 3, 2)
LOANS: Final = 300
BUSINESS_DAYS: Final = 20
WEEKLY: Final = {"unit": "DAY", "every": 7}
AMOUNT: Final = 90_000
TOO_MUCH: Final = 150_000_000
CLOSED, UNKNOWN_BANK = "NL84MOCK0000000003", "NL57MOCK0000000004"
ON_DAY: Final[Mapping[int, str]] = {
    2: "return-later",
    4: "reject-file",
    6: "silent",
    8: "insufficient-funds",
    10: "statement-gap",
}
"""What the bank does with the payouts of a day; else it accepts them. None are sent the day after."""


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderBank]:
    monkeypatch.setattr("django.conf.settings.BANKS_DIR", tmp_path)
    with mock_bank(tmp_path, on=MONDAY) as started:
        started.call("PATCH", "accounts/ACME", balance=100_000_000)
        yield started


def approve(numbers: list[str], *, amount_minor: int = AMOUNT) -> None:
    """Let loans with these accounts wait for their payout."""
    for number in numbers:
        loan = with_account(make_loan(currency="EUR", amount_minor=amount_minor, months=4, terms=WEEKLY), number)
        with operation():
            make_payout(loan, now=NOW)


def live_through_a_day(bank: FolderBank, *, during: Callable[[], None] = lambda: None) -> None:
    """Exchange files, let the bank work until tomorrow morning, and close the day."""
    settle_transfers()
    bank.read_outbox()
    during()
    bank.next_day()
    open_day(on=(get_business_date() or EPOCH) + timedelta(days=1), actor=SYSTEM, now=NOW)
    settle_transfers()
    with suppress(DayNotClosed):
        close(get_gateways())
    assert not DayClose.objects.exclude(state=CloseState.PROVEN).exists()


def test_twenty_days_with_a_bank(bank: FolderBank) -> None:
    open_day(on=MONDAY, actor=SYSTEM, now=NOW)
    enter()
    numbers = (iban(number) for number in range(LOANS))
    approve([next(numbers) for _ in range(LOANS - 35)] + [CLOSED] * 5 + [UNKNOWN_BANK] * 5)
    day = 0
    while day < BUSINESS_DAYS:
        today = get_business_date() or EPOCH
        if today.weekday() >= 5:
            live_through_a_day(bank)
            continue
        bank.behave(ON_DAY.get(day, "accept"), parameters={"days": 3} if ON_DAY.get(day) == "return-later" else {})
        if day in ON_DAY:
            beyond = ON_DAY[day] == "insufficient-funds"
            approve([next(numbers) for _ in range(5)], amount_minor=TOO_MUCH if beyond else AMOUNT)
        live_through_a_day(bank, during=lambda day=day: disturb(bank, day))  # type: ignore[misc]
        day += 1
    bank.behave("accept", parameters={})
    for _ in range(5):
        live_through_a_day(bank)
    explain_what_is_in_suspense()
    for _ in range(3):
        live_through_a_day(bank)
    settle_transfers()
    moved_once(bank)
    every_line_is_explained()


def disturb(bank: FolderBank, day: int) -> None:
    """Do to the bank, or to what lies in the folders, what happens once."""
    inbox = bank.folders.inbox
    if day == 1:  # killed between the outbox and the row: the bank gets the file once more
        BankFile.objects.filter(is_ours=True, kind__startswith="pain.001").update(delivered_at=None)
        settle_transfers()
        [answer] = bank.read_outbox()
        assert answer["status"] == "RJCT"
    if day == 3:  # the same file twice, under another name
        first = BankFile.objects.filter(is_ours=False, kind__startswith="camt.054").earliest("pk")
        (inbox / "again.xml").write_bytes(first.content)
        (inbox / "broken.xml").write_bytes(b"<Document")
    if day == 12:  # somebody pays without a reference, and the bank takes a fee by itself
        payer = {"name": "A shop", "iban": iban(7)}
        bank.call("POST", "credits", account="ACME", amount=2_500, note="PAYMENT", debtor=payer)
    if day == 14:
        settled = Transfer.objects.filter(kind="COLLECTION", state="DONE").order_by("-on", "pk")[:3]
        waiting = Transfer.objects.filter(kind="COLLECTION", state="PENDING", file__isnull=False).order_by("pk")[:3]
        for transfer in [*settled, *waiting]:
            bank.call("POST", f"collections/{transfer.key.hex}/refuse", reason="MD01")
    if day == 16:  # a movement that no entry explains
        bank.call("PATCH", "accounts/ACME", balance=bank.call("GET", "accounts/ACME")["balance"] - 1_700)


def explain_what_is_in_suspense() -> None:
    """Let a person look at what the statements leave open, as finance does in the office."""
    [after_gap] = BankStatement.objects.filter(booked_at=None, closed_on__lte=get_business_date()).order_by("pk")[:1]
    book_after_gap(statement_id=after_gap.pk, reason="the bank's fee", actor=SYSTEM, now=NOW)
    settle_transfers()
    found = {line.reason: line for line in StatementLine.objects.in_suspense().order_by("-pk")}
    assert found.keys() == {LineReason.NO_REFERENCE, LineReason.MISSING}
    assert StatementLine.objects.in_suspense().count() == 3
    [left_out] = uncleared(before=get_business_date() or EPOCH).filter(kind=TransferKind.PAYOUT)
    for line in StatementLine.objects.in_suspense().order_by("pk"):
        if line.amount_minor == -AMOUNT:
            asked = Asked(resolution=Resolution.ORDER, order=str(left_out.key))
        elif line.amount_minor < 0:
            asked = Asked(resolution=Resolution.CHARGE)
        else:
            loan = Loan.objects.filter(status=LoanStatus.ACTIVE).latest("pk")
            asked = Asked(resolution=Resolution.REPAYMENT, loan_id=loan.pk)
        resolve_line(line_id=line.pk, asked=asked, reason="seen at the bank", actor=SYSTEM, now=NOW)


def moved_once(bank: FolderBank) -> None:
    """Hold what the office says of every order against what the bank did."""
    payments = Counter((one["end_to_end_id"], one["status"]) for one in bank.call("GET", "payments"))
    assert set(payments.values()) == {1}
    paid = {key for key, status in payments if status != "rejected"}
    payouts = Transfer.objects.filter(kind=TransferKind.PAYOUT)
    assert {one.key.hex for one in payouts if one.state in {TransferState.DONE, TransferState.RETURNED}} == paid
    states = Counter(payouts.values_list("state", flat=True))
    assert states == {"DONE": LOANS - 10 - 5 - 5 - 5, "FAILED": 20, "RETURNED": 5}
    collected = Counter((one["end_to_end_id"]) for one in bank.call("GET", "collections"))
    assert set(collected.values()) == {1}
    booked = {one["end_to_end_id"] for one in bank.call("GET", "collections") if one["booked_at"]}
    ours = Transfer.objects.filter(kind=TransferKind.COLLECTION, state__in=["DONE", "RETURNED"])
    assert {one.key.hex for one in ours} == booked
    assert Transfer.objects.filter(kind=TransferKind.COLLECTION, state="RETURNED").count() == 3
    assert LoanEvent.objects.filter(type="bounce").count() == 3
    assert not drifted_loans(list(Loan.objects.filter(booked_to__isnull=False)))
    balances = {balance.account: balance for balance in prove_accounts()}
    assert all(balance.holds for balance in balances.values())
    assert balances["BANK"].ledger_minor == bank.call("GET", "accounts/ACME")["balance"]
    for account in ("PAYOUT_CLEARING", "COLLECTION_CLEARING", "SUSPENSE"):
        assert balances[account].ledger_minor == 0, account


def every_line_is_explained() -> None:
    today = get_business_date() or EPOCH
    assert not BankStatement.objects.filter(booked_at=None, closed_on__lt=today).exists()
    assert not StatementLine.objects.in_suspense().exists()
    assert not uncleared(before=today).exists()
    assert not unanswered(before=today - timedelta(days=5)).exists()
    assert not BankAnswer.objects.held().exists()
    aside = BankFile.objects.set_aside().values_list("name", "problem")
    assert {name.split("-")[1] if "-" in name else name for name, _ in aside} == {"EURODIS", "broken.xml"}
