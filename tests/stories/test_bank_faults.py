"""A worker is killed (-9) between any two steps of an exchange with a bank: money moves once, and is booked once."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pytest
import time_machine
from django.utils import timezone

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.models import BankFile, BankStatement, Loan, LoanEvent, StatementLine, Transfer
from lending.operations.payouts import make_payout
from lending.queries.books import drifted_loans, prove_accounts
from lending.tasks import settle_transfers
from tests.conftest import NOW
from tests.lending.loans import make_loan
from tests.mock_bank import FolderBank, enter, iban, mock_bank, with_account
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY: Final = date(2026, 3, 2)
SETTLE: Final = "import lending.tasks\n{patch}\nlending.tasks.settle_transfers()"
AFTER: Final = """
import lending.gateways.bank_folders as f
once = f.BankFolders.put
def put(*args, **kwargs):
    once(*args, **kwargs)
    die()
f.BankFolders.put = put
"""
ORDERING: Final = {
    "an order is claimed": "import lending.operations.payouts as o\no.claim_payout = die",
    "the bank takes it": "import lending.gateways.bank_files as g\ng.BankFiles.pay = die",
    "that is recorded": "import lending.operations.payouts as o\no.record_payout = die",
    "a file is written": "import lending.operations.bank_files as o\no.insert = die",
    "it is put into the outbox": "import lending.gateways.bank_folders as f\nf.BankFolders.put = die",
    "it is marked as delivered": AFTER,
}
ANSWERED: Final = {
    "a file of the bank is read": "import lending.operations.bank_files as o\no.read_message = die",
    "what it says is kept": "import lending.operations.bank_files as o\no.keep_message = die",
    "it is put away": "import lending.gateways.bank_folders as f\nf.BankFolders.put_away = die",
    "an answer is recorded": "import lending.operations.bank_answers as o\no._record = die",
    "an answer is marked": "import lending.operations.bank_answers as o\no._mark = die",
    "plain lines are matched": "import lending.operations.bank_statements as o\no.plain_lines_of = die",
    "other lines are matched": "import lending.operations.bank_statements as o\no._match = die",
    "a statement is posted": "import lending.operations.bank_statements as o\no.post = die",
}


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderBank]:
    monkeypatch.setattr("django.conf.settings.BANKS_DIR", tmp_path)
    with mock_bank(tmp_path, on=MONDAY) as started:
        yield started


@pytest.mark.parametrize("before", [*ORDERING, *ANSWERED])
def test_a_worker_dies_before(bank: FolderBank, before: str) -> None:
    open_day(on=MONDAY, actor=SYSTEM, now=NOW)
    enter()
    for number in range(3):
        loan = with_account(make_loan(currency="EUR", amount_minor=90_000 + number), iban(number))
        with operation():
            make_payout(loan, now=NOW)
    if before in ORDERING:
        die_in(SETTLE.format(patch=ORDERING[before]))
    bank.read_outbox()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        settle_transfers()
    bank.read_outbox()
    bank.next_day()
    open_day(on=MONDAY + timedelta(days=1), actor=SYSTEM, now=NOW)
    if before in ANSWERED:
        die_in(SETTLE.format(patch=ANSWERED[before]))
    settle_transfers()
    settle_transfers()
    assert all(one["booked_at"] for one in bank.call("GET", "payments"))
    assert sorted(one["amount"] for one in bank.call("GET", "payments")) == [90_000, 90_001, 90_002]
    assert set(Transfer.objects.values_list("state", flat=True)) == {"DONE"}
    assert LoanEvent.objects.count() == len(Transfer.objects.all()) == 3
    assert not list(bank.folders.inbox.iterdir())
    assert not BankFile.objects.set_aside().exclude(name__contains="EURODIS").exists()
    assert not BankStatement.objects.filter(booked_at=None).exists()
    assert set(StatementLine.objects.values_list("contra", flat=True)) == {"PAYOUT_CLEARING", "FUNDING"}
    assert all(balance.holds for balance in prove_accounts())
    assert not drifted_loans(list(Loan.objects.all()))
