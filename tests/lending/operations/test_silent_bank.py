"""What becomes of money while a bank does not answer: asked again, left to the sweep, fetched for its own date."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.books.transfer import BACK_OFF, PATIENCE, SILENCES, TransferKind, TransferState
from lending.models import Loan, Transfer
from lending.operations.transfers import (
    claim_collection,
    claim_payout,
    leave_collection,
    record_collection,
    record_payout,
    return_payout,
)
from lending.queries.transfers import stale_transfers
from lending.tasks import pay_out, settle_transfers
from tests.conftest import CLERK, NOW
from tests.lending.loans import OPENED, close, deposit, lent, make_loan
from tests.lending.operations.test_loans import pay, proven
from tests.lending.operations.test_transfers import due
from tests.markets import receive, sale

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_bad_payout_does_not_hold_up_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)
    bad, good = due(make_loan()), due(make_loan())
    (tmp_path / str(bad.key)).write_text("no number")
    settle_transfers()
    assert Transfer.objects.get(pk=good.pk).state == TransferState.DONE
    assert Transfer.objects.get(pk=bad.pk).state == TransferState.UNKNOWN


def test_payouts_that_are_held_keep_nothing_waiting_that_may_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if both shared one limit: what is held comes back every minute."""
    monkeypatch.setattr("lending.queries.transfers.AT_ONCE", 1)
    held, sent = due(make_loan()), due(make_loan())
    claim_payout(transfer_id=sent.pk, now=NOW)
    record_payout(transfer_id=sent.pk, answer=None, now=NOW)
    assert [transfer.pk for transfer in stale_transfers(now=NOW + PATIENCE)] == [held.pk, sent.pk]


def test_the_oftener_in_vain_the_later_an_answer_is_asked_for_again() -> None:
    """Red if every sweep asked: what stays unknown would be asked for 43,000 times a month."""
    transfer = due(make_loan())
    claim_payout(transfer_id=transfer.pk, now=NOW)
    record_payout(transfer_id=transfer.pk, answer=None, now=NOW)
    for most, wait in BACK_OFF.items():
        Transfer.objects.filter(pk=transfer.pk).update(attempts=most)
        assert stale_transfers(now=NOW + wait - timedelta(seconds=1)) == []
        assert stale_transfers(now=NOW + wait) == [transfer]


@pytest.fixture
def mend_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have a gateway that is silent whatever it is asked, and a way to mend it."""
    broken = tmp_path / "no directory"
    broken.touch()
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", broken)
    return partial(monkeypatch.setattr, "django.conf.settings.LOOPBACK_DIR", tmp_path)


def test_a_sweep_gives_up_a_gateway_that_is_down(mend_gateway: Callable[[], None]) -> None:
    """Red without the breaker: a sweep would wait for every answer, and last for hours."""
    loans = [make_loan() for _ in range(SILENCES + 2)]
    for loan in loans:
        due(loan)
    settle_transfers()
    assert Transfer.objects.filter(state=TransferState.UNKNOWN).count() == SILENCES
    assert Transfer.objects.filter(state=TransferState.DUE).count() == 2
    mend_gateway()
    with time_machine.travel(timezone.now() + PATIENCE):
        settle_transfers()
    assert Transfer.objects.filter(state=TransferState.DONE).count() == len(loans)


def test_a_close_leaves_what_a_gateway_that_is_down_cannot_fetch_to_the_sweep(mend_gateway: Callable[[], None]) -> None:
    """Red without the breaker, and if what was not asked for were lost, or fetched for another day."""
    loans = [lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1}) for _ in range(SILENCES + 2)]
    deposit(loans)
    collections = Transfer.objects.filter(kind=TransferKind.COLLECTION)
    for day in (1, 2, 3):
        open_day(on=OPENED + timedelta(days=day), actor=SYSTEM, now=NOW)
        close()
    assert Counter(collections.values_list("state", flat=True)) == {
        TransferState.UNKNOWN: SILENCES,
        TransferState.DUE: 2,
    }
    paid, short = collections.filter(state=TransferState.DUE).order_by("pk")
    pay(paid.loan, paid.amount_minor, on=paid.on)
    pay(short.loan, 100, on=short.on)
    mend_gateway()
    with time_machine.travel(timezone.now() + PATIENCE):
        settle_transfers()
    first, second = (OPENED + timedelta(days=day) for day in (1, 2))
    done = {(loan.pk, on) for loan in loans for on in (first, second)} - {(paid.loan_id, first)}
    assert set(collections.filter(state=TransferState.DONE).values_list("loan", "on")) == done
    assert Transfer.objects.get(pk=paid.pk).state == TransferState.FAILED
    assert Transfer.objects.get(pk=short.pk).moved_minor == short.amount_minor - 100
    assert not Loan.objects.filter(dpd__gt=0).exists()
    assert proven()


def test_a_payout_comes_back_while_a_collection_waits_to_be_sent(mend_gateway: Callable[[], None]) -> None:
    """Red if what was never sent held the return, or were fetched from a merchant that has no loan."""
    loan = lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1})
    deposit([loan])
    on = OPENED + timedelta(days=1)
    open_day(on=on, actor=SYSTEM, now=NOW)
    leave_collection(loan_id=loan.pk, on=on, now=NOW)
    payout = Transfer.objects.get(loan=loan, kind=TransferKind.PAYOUT)
    return_payout(transfer_id=payout.pk, on=on, reason="no such account", actor=CLERK, now=NOW)
    mend_gateway()
    settle_transfers()
    left = Transfer.objects.get(loan=loan, kind=TransferKind.COLLECTION)
    assert (left.state, left.moved_minor) == (TransferState.FAILED, 0)
    assert proven()


def test_those_who_are_never_answered_keep_nobody_else_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a close asked in the order of ids: five accounts at a dead bank would stop all others, every night."""
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)
    loans = [lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1}) for _ in range(SILENCES + 2)]
    deposit(loans)
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    close()
    for loan in loans[:SILENCES]:
        claimed = claim_collection(loan_id=loan.pk, on=OPENED + timedelta(days=1), now=NOW)
        assert claimed is not None
        record_collection(transfer_id=claimed.transfer_id, answer=None, now=NOW)
        (tmp_path / str(claimed.order.key)).write_text("no number")
    for day in (2, 3):
        open_day(on=OPENED + timedelta(days=day), actor=SYSTEM, now=NOW)
        close()
    done = Transfer.objects.filter(kind=TransferKind.COLLECTION, state=TransferState.DONE)
    assert set(done.values_list("loan", "on")) == {
        (loan.pk, OPENED + timedelta(days=day)) for loan in loans[SILENCES:] for day in (1, 2)
    }
    payout = due(make_loan())
    pay_out(payout.pk)
    assert Transfer.objects.get(pk=payout.pk).state == TransferState.DUE, "the last five had no answer"
    settle_transfers()
    assert Transfer.objects.get(pk=payout.pk).state == TransferState.DONE, "asked before those who are never answered"


@pytest.fixture
def unanswered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """Ask for what is due on the first day and get no answer; the gateway is back since."""
    loan = lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1})
    receive(loan.merchant.partner, [sale("s1", loan.merchant.external_id, amount="500.00")])
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    claimed = claim_collection(loan_id=loan.pk, on=OPENED + timedelta(days=1), now=NOW)
    assert claimed is not None
    close()
    monkeypatch.setattr("django.conf.settings.LOOPBACK_DIR", tmp_path)
    return record_collection(transfer_id=claimed.transfer_id, answer=None, now=NOW)


def test_a_sweep_settles_a_collection_without_an_answer(unanswered: Transfer) -> None:
    """Red if only the next close asked: for a day nobody would know what became of the merchant's money."""
    settle_transfers()
    settle_transfers()
    unanswered.refresh_from_db()
    assert (unanswered.state, unanswered.moved_minor) == (TransferState.DONE, unanswered.amount_minor)
    assert Loan.objects.get().repaid_minor == unanswered.amount_minor
    assert Transfer.objects.filter(kind=TransferKind.COLLECTION).count() == 1
    assert proven()


@pytest.mark.usefixtures("unanswered")
def test_a_close_settles_an_old_collection_and_goes_on_to_the_due_of_its_day() -> None:
    """Red if a loan was asked once only: its due would wait for the next day's close, and be a day late."""
    with pytest.MonkeyPatch.context() as without:
        without.setattr("django.conf.settings.LOOPBACK_DIR", None)
        open_day(on=OPENED + timedelta(days=2), actor=SYSTEM, now=NOW)
        close()
    open_day(on=OPENED + timedelta(days=3), actor=SYSTEM, now=NOW)
    close()
    collected = Transfer.objects.filter(kind=TransferKind.COLLECTION).order_by("pk").values_list("on", "state")
    assert list(collected) == [(OPENED + timedelta(days=day), TransferState.DONE) for day in (1, 2)]
    assert proven()
