from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from config.db.transactions import operation
from config.kernel.money import Money
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    PATIENCE,
    Answer,
    Moved,
    Nothing,
    PayoutHold,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferState,
)
from lending.domain.contract.refusal import LoanRefusal
from lending.gateways.loopback import Loopback
from lending.gateways.protocol import Order
from lending.gateways.registry import LOOPBACK
from lending.models import DayClose, Loan, LoanEvent, Transfer
from lending.operations.collections import claim_collection, record_collection
from lending.operations.payouts import (
    LoanNotCancelled,
    PayoutHeld,
    PayoutNotReturned,
    cancel_loan,
    claim_payout,
    make_payout,
    record_payout,
    return_payout,
)
from lending.operations.repeated_payouts import PayoutNotRepeated, pay_out_again
from lending.queries.transfers import loans_due
from lending.tasks import pay_out, settle_transfers
from merchants.models import Merchant, PayoutAccount
from tests.conftest import CLERK, NOW, Enqueued
from tests.lending.loans import OPENED, lent, make_loan, proven, send_again
from tests.lending.operations.test_loans import everything, pay
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = Moved(1_200_000)


def due(loan: Loan) -> Transfer:
    with operation():
        return make_payout(loan, now=NOW)


def test_a_payout_is_sent_for_with_the_commit_and_recorded_once(enqueued: Enqueued) -> None:
    """Red if the record were not guarded by the transfer's state: told twice, the loan would be disbursed twice."""
    loan = make_loan()
    enqueued()
    transfer = due(loan)
    assert enqueued() == [("lending.pay_out", {"transfer_id": transfer.pk})]
    claimed = claim_payout(transfer_id=transfer.pk, now=NOW)
    assert claimed is not None
    assert claimed.order.amount == Money(1_200_000, "CNY")
    assert claim_payout(transfer_id=transfer.pk, now=NOW) is None, "somebody is just sending it"
    for _ in range(2):
        assert record_payout(transfer_id=transfer.pk, answer=WHOLE, now=NOW).state == TransferState.DONE
    assert claim_payout(transfer_id=transfer.pk, now=NOW + 2 * PATIENCE) is None
    assert LoanEvent.objects.count() == 1
    assert proven()


@pytest.mark.parametrize("answer", [None, Moved(7), Moved(0), Moved(-1), Moved(10**15)])
def test_what_nobody_can_know_is_unknown_and_asked_for_under_the_same_key(answer: Answer | None) -> None:
    """Red if a payout in part were believed."""
    loan = make_loan()
    transfer = due(loan)
    first = claim_payout(transfer_id=transfer.pk, now=NOW)
    record_payout(transfer_id=transfer.pk, answer=answer, now=NOW)
    transfer.refresh_from_db()
    loan.refresh_from_db()
    assert (transfer.state, transfer.moved_minor, loan.status) == (TransferState.UNKNOWN, 0, LoanStatus.APPROVED)
    again = claim_payout(transfer_id=transfer.pk, now=NOW + PATIENCE)
    assert first is not None
    assert again is not None
    assert again.order.key == first.order.key
    record_payout(transfer_id=transfer.pk, answer=WHOLE, now=NOW)
    loan.refresh_from_db()
    assert loan.status == LoanStatus.ACTIVE


HOLDS: dict[PayoutHold, Callable[[], object]] = {
    PayoutHold.ACCOUNT_NOT_VERIFIED: lambda: PayoutAccount.objects.update(
        state="WITHDRAWN", closed_by="staff:1", closed_at=NOW
    ),
    PayoutHold.HOLDER_DIFFERS: lambda: Merchant.objects.update(name="Quite another"),
    PayoutHold.BOOKS_BROKEN: lambda: DayClose.objects.create(
        day=OPENED, parts=1, state="BROKEN", started_by="system:0", started_at=NOW, finished_at=NOW
    ),
    PayoutHold.NOT_APPROVED: lambda: Loan.objects.update(status="CANCELLED"),
}


@pytest.mark.parametrize("hold", HOLDS)
def test_a_payout_is_held_before_its_first_sending(hold: PayoutHold) -> None:
    transfer = due(make_loan())
    HOLDS[hold]()
    before = everything()
    with pytest.raises(PayoutHeld) as held:
        claim_payout(transfer_id=transfer.pk, now=NOW)
    assert held.value.reason is hold
    assert everything() == before
    transfer.refresh_from_db()
    assert (transfer.state, transfer.attempts) == (TransferState.DUE, 0)


def test_money_that_may_have_left_is_asked_for_although_the_books_are_broken() -> None:
    """Red if the hold were asked again: the answer would never be recorded."""
    transfer = due(make_loan())
    claim_payout(transfer_id=transfer.pk, now=NOW)
    record_payout(transfer_id=transfer.pk, answer=None, now=NOW)
    HOLDS[PayoutHold.BOOKS_BROKEN]()
    assert claim_payout(transfer_id=transfer.pk, now=NOW + PATIENCE) is not None


def test_a_payout_that_is_refused_may_be_repeated_or_the_loan_given_up() -> None:
    loan = make_loan()
    transfer = due(loan)
    with pytest.raises(PayoutNotRepeated) as refused:
        pay_out_again(loan_id=loan.pk, reason="hurry", actor=CLERK, now=NOW)
    assert refused.value.reason is PayoutRetryRefusal.PAYOUT_UNDER_WAY
    claim_payout(transfer_id=transfer.pk, now=NOW)
    with pytest.raises(LoanNotCancelled) as kept:
        cancel_loan(loan_id=loan.pk, reason="too late", actor=CLERK, now=NOW)
    assert kept.value.reason is PayoutRetryRefusal.PAYOUT_UNDER_WAY
    record_payout(transfer_id=transfer.pk, answer=Nothing("account closed"), now=NOW)
    again = send_again(loan.pk)
    assert again.key != transfer.key
    claim_payout(transfer_id=again.pk, now=NOW)
    record_payout(transfer_id=again.pk, answer=Nothing("account closed"), now=NOW)
    cancel_loan(loan_id=loan.pk, reason="no account", actor=CLERK, now=NOW)
    loan.refresh_from_db()
    assert loan.status == LoanStatus.CANCELLED
    assert not LoanEvent.objects.exists()


def test_whoever_steps_back_before_the_money_is_sent_gets_none() -> None:
    """Red if a payout that waits counted as under way: the cooling-off would be a word."""
    loan = make_loan()
    transfer = due(loan)
    cancel_loan(loan_id=loan.pk, reason="the merchant stepped back", actor=CLERK, now=NOW)
    assert claim_payout(transfer_id=transfer.pk, now=NOW + 2 * PATIENCE) is None
    transfer.refresh_from_db()
    loan.refresh_from_db()
    assert (transfer.state, loan.status) == (TransferState.FAILED, LoanStatus.CANCELLED)


def test_a_loan_is_not_given_up_while_a_worker_claims_its_payout() -> None:
    """Red if only the loan is held: the money would leave for a loan that is cancelled."""
    loan = make_loan()
    transfer = due(loan)
    cancel = partial(cancel_loan, loan_id=loan.pk, reason="too late", actor=CLERK, now=NOW)
    claim = partial(Transfer.objects.filter(pk=transfer.pk).update, state=TransferState.SENT, attempts=1, sent_at=NOW)
    (outcome,) = race(cancel, held=Transfer.objects.all(), then=claim)
    assert isinstance(outcome, LoanNotCancelled)
    assert outcome.reason is PayoutRetryRefusal.PAYOUT_UNDER_WAY


def test_a_payout_that_comes_back_leaves_a_loan_that_waits_again() -> None:
    loan = lent()
    transfer = Transfer.objects.get(loan=loan)
    back = partial(return_payout, transfer_id=transfer.pk, reason="no such account", actor=SYSTEM, now=NOW)
    with pytest.raises(PayoutNotReturned) as refused:
        back(on=OPENED + timedelta(days=1))
    assert refused.value.reason is ReturnRefusal.IN_THE_FUTURE
    pay(loan, 5)
    with pytest.raises(PayoutNotReturned) as refused:
        back(on=OPENED)
    assert refused.value.reason is LoanRefusal.BEFORE_DISBURSEMENT
    with pytest.raises(PayoutNotReturned) as refused:
        back(on=OPENED, seen=1)
    assert refused.value.reason is ReturnRefusal.BOOKED_MEANWHILE, "the form was shown before the payment"
    other = lent()
    returned = return_payout(
        transfer_id=Transfer.objects.get(loan=other).pk, on=OPENED, reason="no such account", actor=SYSTEM, now=NOW
    )
    other.refresh_from_db()
    assert (returned.state, other.status, other.disbursed_on) == (TransferState.RETURNED, LoanStatus.APPROVED, None)
    assert not other.instalments.exists()
    assert proven()


def test_what_is_due_is_collected_once_a_day_and_in_part_is_normal() -> None:
    loan = lent(terms={"unit": "DAY", "every": 1})
    on = OPENED + timedelta(days=1)
    assert claim_collection(loan_id=loan.pk, on=OPENED, gateway=LOOPBACK, now=NOW) is None, "nothing is due"
    open_day(on=on, actor=SYSTEM, now=NOW)
    claimed = claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW)
    assert claimed is not None
    assert claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW) is None
    amount = claimed.order.amount.minor
    for _ in range(2):
        record_collection(transfer_id=claimed.transfer_id, answer=Moved(amount // 2), now=NOW)
    loan.refresh_from_db()
    assert loan.repaid_minor == amount // 2
    assert claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW + 2 * PATIENCE) is None
    assert proven()


def test_a_collection_without_an_answer_is_asked_for_although_the_loan_is_paid_meanwhile() -> None:
    """Red if only loans that owe were asked about: what the merchant was debited would never reach the books."""
    loan = lent(terms={"unit": "DAY", "every": 1})
    on = OPENED + timedelta(days=1)
    open_day(on=on, actor=SYSTEM, now=NOW)
    claimed = claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW)
    assert claimed is not None
    record_collection(transfer_id=claimed.transfer_id, answer=None, now=NOW)
    pay(loan, 2_000_000, on=on)
    close = DayClose.objects.create(day=on, parts=1, started_by="system:0", started_at=NOW)
    assert loans_due(close_id=close.pk, part=0) == [loan.pk]
    again = claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW + PATIENCE)
    assert again is not None
    assert again.order.key == claimed.order.key
    record_collection(transfer_id=again.transfer_id, answer=Moved(500), now=NOW)
    assert loans_due(close_id=close.pk, part=0) == []
    assert Loan.objects.get(pk=loan.pk).repaid_minor == 2_000_500
    assert proven()


def test_what_was_paid_after_the_roll_is_not_fetched_once_more() -> None:
    """Red if what is due is asked as of the day alone: the merchant would pay twice."""
    loan = lent(terms={"unit": "DAY", "every": 1})
    on = OPENED + timedelta(days=1)
    open_day(on=on + timedelta(days=1), actor=SYSTEM, now=NOW)
    pay(loan, 150_000, on=on + timedelta(days=1))
    claimed = claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW)
    assert claimed is not None
    loan.refresh_from_db()
    assert 0 < claimed.order.amount.minor <= loan.due_minor < 300_000
    closed = lent(terms={"unit": "DAY", "every": 1})
    pay(closed, 2_000_000, on=on + timedelta(days=1))
    assert claim_collection(loan_id=closed.pk, on=on, gateway=LOOPBACK, now=NOW) is None


def test_a_payout_is_not_taken_back_while_a_collection_is_under_way() -> None:
    """Red without the refusal: the collection's money would have no loan to go to, and the close no end."""
    loan = lent(terms={"unit": "DAY", "every": 1})
    on = OPENED + timedelta(days=1)
    open_day(on=on, actor=SYSTEM, now=NOW)
    assert claim_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW) is not None
    payout = Transfer.objects.get(loan=loan, kind="PAYOUT")
    with pytest.raises(PayoutNotReturned) as refused:
        return_payout(transfer_id=payout.pk, on=on, reason="no such account", actor=SYSTEM, now=NOW)
    assert refused.value.reason is ReturnRefusal.COLLECTION_UNDER_WAY


def test_two_workers_record_the_same_answer() -> None:
    """Red without the loan's lock in `_locked`."""
    loan = make_loan()
    transfer = due(loan)
    claim_payout(transfer_id=transfer.pk, now=NOW)
    record = partial(record_payout, transfer_id=transfer.pk, answer=WHOLE, now=NOW)
    outcomes = race(record, record, held=Loan.objects.all())
    assert [type(outcome) for outcome in outcomes] == [Transfer, Transfer]
    assert LoanEvent.objects.count() == 1
    assert proven()


def order(amount: int = 500) -> Order:
    return Order(key=UUID(int=1), amount=Money(amount, "CNY"), merchant_id=1, account_number="DE89", holder="Kiln")


def test_the_loopback_moves_a_key_once_and_no_more_than_there_is(tmp_path: Path) -> None:
    left = [300]
    bank = Loopback(directory=tmp_path / "bank", balance_of=lambda _merchant: left[0])
    assert bank.collect(order()) == Moved(300, "not enough funds")
    left[0] = 900
    assert bank.collect(order()) == Moved(300, "not enough funds")
    assert bank.collect(replace(order(), key=UUID(int=2))) == Moved(500)
    left[0] = -5
    assert bank.collect(replace(order(), key=UUID(int=3))) == Nothing("not enough funds")
    assert bank.pay(replace(order(), key=UUID(int=4))) == Moved(500)
    assert len(list((tmp_path / "bank").iterdir())) == 4


def test_the_task_pays_and_the_sweep_finds_what_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", None)
    loan, other = make_loan(), make_loan()
    first, second = due(loan), due(other)
    pay_out(first.pk)
    assert Transfer.objects.filter(state=TransferState.DUE).count() == 2, "no bank: money waits"
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)
    pay_out(first.pk)
    settle_transfers()
    assert Transfer.objects.filter(state=TransferState.DONE).count() == 2
    assert {path.name for path in tmp_path.iterdir()} == {str(first.key), str(second.key)}
