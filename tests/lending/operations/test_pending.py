"""A bank that takes an order and reports later what became of it, as one that works with files does."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    SILENCES,
    Moved,
    Nothing,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferKind,
    TransferState,
)
from lending.gateways.protocol import Report
from lending.gateways.registry import LOOPBACK
from lending.models import Loan, LoanEvent, Transfer
from lending.operations.payouts import (
    LoanNotCancelled,
    PayoutNotReturned,
    cancel_loan,
    make_payout,
    return_payout,
    send_payout,
)
from lending.operations.repeated_payouts import PayoutNotRepeated, pay_out_again
from lending.operations.settlement import record_report, settle_transfers
from lending.queries.loans import standing_of
from lending.queries.transfers import is_gateway_down, loans_due, transfers_to_send
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bank import Bank
from tests.lending.loans import OPENED, close, lent, make_loan, proven
from tests.lending.operations.test_loans import everything
from tests.lending.operations.test_transfers import due

pytestmark = pytest.mark.django_db(transaction=True)
FAR = timezone.now() + timedelta(days=400)


@pytest.fixture
def bank() -> Bank:
    found = Bank()
    found.slow = True
    return found


def sweep(bank: Bank) -> None:
    settle_transfers(bank.gateways, clock=timezone.now)


def test_a_pending_payout_waits_for_its_report_and_is_never_asked_for_again(bank: Bank) -> None:
    """Red if pending were as good as unknown: the bank would be asked every hour, and count as down."""
    loans = [make_loan() for _ in range(SILENCES)]
    transfers = [due(loan) for loan in loans]
    sweep(bank)
    sweep(bank)
    assert bank.asked == [transfer.key for transfer in transfers]
    assert set(Transfer.objects.values_list("state", "answer")) == {
        (TransferState.PENDING, f"ref-{number}") for number in range(1, SILENCES + 1)
    }
    assert transfers_to_send(gateway=LOOPBACK, now=FAR) == []
    assert not is_gateway_down(LOOPBACK)
    assert not LoanEvent.objects.exists()

    bank.report(transfers[0].key, Moved(1_200_000))
    bank.report(transfers[1].key, Nothing("account closed"))
    sweep(bank)
    assert bank.to_report == [], "what is recorded is forgotten"
    paid, refused, *others = (Transfer.objects.get(pk=transfer.pk) for transfer in transfers)
    assert (paid.state, paid.moved_minor, refused.state) == (TransferState.DONE, 1_200_000, TransferState.FAILED)
    assert {other.state for other in others} == {TransferState.PENDING}
    assert [Loan.objects.get(pk=loan.pk).status for loan in loans[:2]] == [LoanStatus.ACTIVE, LoanStatus.APPROVED]
    assert proven()


def test_a_payout_that_the_bank_has_keeps_what_an_open_one_keeps(bank: Bank) -> None:
    """Red if a second payout could be made, or the loan be cancelled, while the first may still move."""
    loan = make_loan()
    payout = due(loan)
    send_payout(bank.gateways, transfer_id=payout.pk, clock=timezone.now)
    before = everything()
    with pytest.raises(PayoutNotRepeated) as again:
        pay_out_again(loan_id=loan.pk, reason="hurry", actor=CLERK, now=NOW)
    with pytest.raises(LoanNotCancelled) as cancelled:
        cancel_loan(loan_id=loan.pk, reason="too late", actor=CLERK, now=NOW)
    assert again.value.reason is cancelled.value.reason is PayoutRetryRefusal.PAYOUT_UNDER_WAY
    with pytest.raises(IntegrityError, match="lending_transfer_one_open"), operation():
        make_payout(loan, now=NOW)
    assert everything() == before


def test_a_bank_is_asked_outside_any_transaction(bank: Bank) -> None:
    """Red if a claim, its call and its record were one transaction: rows would be held as long as a bank thinks."""
    payout = due(make_loan())
    with operation(), pytest.raises(AssertionError, match="inside a transaction"):
        bank.reports()
    send_payout(bank.gateways, transfer_id=payout.pk, clock=timezone.now)
    bank.report(payout.key, Moved(1_200_000))
    sweep(bank)
    assert Transfer.objects.get(pk=payout.pk).state == TransferState.DONE


def test_what_a_report_says_is_checked_recorded_once_and_only_of_what_was_sent(bank: Bank) -> None:
    """Red if a report were believed of a transfer that never left, or booked twice."""
    never_sent, sent = due(make_loan()), due(make_loan())
    send_payout(bank.gateways, transfer_id=sent.pk, clock=timezone.now)
    for key in (never_sent.key, uuid4()):
        assert record_report(gateway=LOOPBACK, report=Report(key, Moved(1_200_000)), now=NOW) is None
    assert record_report(gateway="other", report=Report(sent.key, Moved(1_200_000)), now=NOW) is None
    assert not LoanEvent.objects.exists()
    for _ in range(2):
        record_report(gateway=LOOPBACK, report=Report(sent.key, Moved(1_200_000)), now=NOW)
    assert LoanEvent.objects.count() == 1
    assert Transfer.objects.get(pk=never_sent.pk).state == TransferState.DUE
    absurd = due(make_loan())
    send_payout(bank.gateways, transfer_id=absurd.pk, clock=timezone.now)
    told = record_report(gateway=LOOPBACK, report=Report(absurd.key, Moved(7)), now=NOW)
    assert told is not None
    assert (told.state, told.moved_minor) == (TransferState.UNKNOWN, 0)
    assert proven()


def test_a_report_that_cannot_be_recorded_comes_again_and_keeps_no_other_waiting(bank: Bank) -> None:
    """Red if a report were forgotten before it is recorded: what the bank moved would never reach the books."""
    bad, good = due(make_loan()), due(make_loan())
    sweep(bank)
    forge(bad.loan, terms={})
    for transfer in (bad, good):
        bank.report(transfer.key, Moved(1_200_000))
    sweep(bank)
    assert [report.key for report in bank.to_report] == [bad.key]
    assert Transfer.objects.get(pk=bad.pk).state == TransferState.PENDING
    assert Transfer.objects.get(pk=good.pk).state == TransferState.DONE


def test_later_dues_wait_for_the_report_of_a_collection_and_are_collected_for_their_days(bank: Bank) -> None:
    """Red if a second collection were made meanwhile, or a due were lost or late for the waiting."""
    loan = lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1})
    collections = Transfer.objects.filter(kind=TransferKind.COLLECTION).order_by("pk")
    for day in (1, 2, 3):
        open_day(on=OPENED + timedelta(days=day), actor=SYSTEM, now=NOW)
        found = close(bank.gateways)
    first = collections.get()
    assert (first.state, first.on, len(bank.asked)) == (TransferState.PENDING, OPENED + timedelta(days=1), 1)
    assert loans_due(close_id=found.pk, part=0) == [loan.pk], "it owes the due of the second day"
    payout = Transfer.objects.get(loan=loan, kind=TransferKind.PAYOUT)
    with pytest.raises(PayoutNotReturned) as refused:
        return_payout(transfer_id=payout.pk, on=OPENED + timedelta(days=3), reason="none", actor=CLERK, now=NOW)
    assert refused.value.reason is ReturnRefusal.COLLECTION_UNDER_WAY

    bank.report(first.key, Moved(first.amount_minor))
    bank.slow = False
    sweep(bank)
    assert list(collections.values_list("on", "state")) == [
        (OPENED + timedelta(days=day), TransferState.DONE) for day in (1, 2)
    ]
    loan.refresh_from_db()
    assert standing_of(loan, on=get_business_date()).dpd == 0
    assert proven()
