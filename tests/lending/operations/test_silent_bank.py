"""What becomes of money while a bank does not answer: asked again, left to the sweep, fetched for its own date."""

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.transfer import (
    BACK_OFF,
    LONGEST_WAIT,
    PATIENCE,
    SILENCES,
    TransferKind,
    TransferState,
)
from lending.gateways.registry import LOOPBACK
from lending.models import Loan, Transfer
from lending.operations.collections import claim_collection, leave_collection, record_collection
from lending.operations.payouts import claim_payout, record_payout, return_payout, send_payout
from lending.operations.settlement import settle_transfers
from lending.queries.transfers import transfers_to_send
from tests.conftest import NOW
from tests.forge import forge
from tests.lending.bank import Bank
from tests.lending.loans import OPENED, close, lent, make_loan, proven
from tests.lending.operations.test_loans import pay
from tests.lending.operations.test_transfers import due

pytestmark = pytest.mark.django_db(transaction=True)


def sweep(bank: Bank) -> None:
    settle_transfers(bank.gateways, clock=timezone.now)


def to_send() -> list[Transfer]:
    return transfers_to_send(gateway=LOOPBACK, now=NOW)


def test_one_bad_payout_does_not_hold_up_the_others() -> None:
    bank, bad, good = Bank(), due(make_loan()), due(make_loan())
    bank.mute.add(bad.key)
    sweep(bank)
    assert Transfer.objects.get(pk=good.pk).state == TransferState.DONE
    assert Transfer.objects.get(pk=bad.pk).state == TransferState.UNKNOWN


def test_payouts_that_are_held_keep_nothing_waiting_that_may_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if both shared one limit: what is held comes back every minute."""
    monkeypatch.setattr("lending.queries.transfers.AT_ONCE", 1)
    held, sent = due(make_loan()), due(make_loan())
    claim_payout(transfer_id=sent.pk, now=NOW)
    record_payout(transfer_id=sent.pk, answer=None, now=NOW)
    assert transfers_to_send(gateway=LOOPBACK, now=NOW + PATIENCE) == [held, sent]


def test_a_payout_that_is_held_lets_the_next_one_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a held payout kept its place: a few that stay held would keep all others waiting for ever."""
    monkeypatch.setattr("lending.queries.transfers.AT_ONCE", 1)
    held, other = due(make_loan()), due(make_loan())
    Loan.objects.filter(pk=held.loan_id).update(status="CANCELLED")
    bank = Bank()
    assert transfers_to_send(gateway=LOOPBACK, now=timezone.now()) == [held]
    sweep(bank)
    assert bank.asked == []
    assert transfers_to_send(gateway=LOOPBACK, now=timezone.now()) == [other]
    sweep(bank)
    assert bank.asked == [other.key]
    held.refresh_from_db()
    assert (held.state, held.attempts) == (TransferState.DUE, 0)
    assert PATIENCE / 2 < held.next_attempt_at - timezone.now() <= PATIENCE


def test_the_oftener_in_vain_the_later_an_answer_is_asked_for_again() -> None:
    """Red if every sweep asked: what stays unknown would be asked for 43,000 times a month."""
    transfer = due(make_loan())
    for before, wait in ((0, PATIENCE), *BACK_OFF, (1_000, LONGEST_WAIT)):
        Transfer.objects.filter(pk=transfer.pk).update(attempts=max(0, before - 1), next_attempt_at=NOW)
        assert claim_payout(transfer_id=transfer.pk, now=NOW) is not None
        record_payout(transfer_id=transfer.pk, answer=None, now=NOW)
        assert transfers_to_send(gateway=LOOPBACK, now=NOW + wait - timedelta(seconds=1)) == []
        assert transfers_to_send(gateway=LOOPBACK, now=NOW + wait) == [transfer]


def silent_bank() -> Bank:
    bank = Bank()
    bank.silent = True
    return bank


def test_a_sweep_gives_up_a_gateway_that_is_down() -> None:
    """Red without the breaker: a sweep would wait for every answer, and last for hours."""
    loans, bank = [make_loan() for _ in range(SILENCES + 2)], silent_bank()
    for loan in loans:
        due(loan)
    sweep(bank)
    assert len(bank.asked) == SILENCES
    assert Transfer.objects.filter(state=TransferState.UNKNOWN).count() == SILENCES
    assert Transfer.objects.filter(state=TransferState.DUE).count() == 2
    bank.silent = False
    with time_machine.travel(timezone.now() + PATIENCE):
        sweep(bank)
    assert Transfer.objects.filter(state=TransferState.DONE).count() == len(loans)


def test_a_silent_gateway_keeps_nobody_from_another() -> None:
    """Red if one gateway's silence counted against all: a dead bank would stop the payouts of a living one."""
    silent, other = silent_bank(), Bank()
    for _ in range(SILENCES + 1):
        due(make_loan())
    elsewhere = due(make_loan())
    forge(elsewhere, gateway="other")
    settle_transfers({**silent.gateways, "other": other}, clock=timezone.now)
    assert (len(silent.asked), other.asked) == (SILENCES, [elsewhere.key])
    late = due(make_loan())
    forge(late, gateway="other")
    send_payout({**silent.gateways, "other": other}, transfer_id=late.pk, clock=timezone.now)
    assert other.asked == [elsewhere.key, late.key]


def test_a_close_leaves_what_a_gateway_that_is_down_cannot_collect_to_the_sweep() -> None:
    """Red without the breaker, and if what was not asked for were lost, or fetched for another day."""
    loans = [lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1}) for _ in range(SILENCES + 2)]
    bank, collections = silent_bank(), Transfer.objects.filter(kind=TransferKind.COLLECTION)
    for day in (1, 2):
        open_day(on=OPENED + timedelta(days=day), actor=SYSTEM, now=NOW)
        close(bank.gateways)
    open_day(on=OPENED + timedelta(days=3), actor=SYSTEM, now=NOW)
    assert Counter(collections.values_list("state", flat=True)) == {
        TransferState.UNKNOWN: SILENCES,
        TransferState.DUE: 2,
    }
    paid, short = collections.filter(state=TransferState.DUE).order_by("pk")
    pay(paid.loan, paid.amount_minor, on=paid.on)
    pay(short.loan, 100, on=short.on)
    bank.silent = False
    with time_machine.travel(timezone.now() + PATIENCE):
        sweep(bank)
    first, second = (OPENED + timedelta(days=day) for day in (1, 2))
    done = {(loan.pk, on) for loan in loans for on in (first, second)} - {(paid.loan_id, first)}
    assert set(collections.filter(state=TransferState.DONE).values_list("loan", "on")) == done
    assert Transfer.objects.get(pk=paid.pk).state == TransferState.FAILED
    assert Transfer.objects.get(pk=short.pk).moved_minor == short.amount_minor - 100
    assert not Loan.objects.filter(late_since__lt=get_business_date()).exists()
    assert proven()


def test_a_payout_comes_back_while_a_collection_waits_to_be_sent() -> None:
    """Red if what was never sent held the return, or were fetched from a merchant that has no loan."""
    loan = lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1})
    on = OPENED + timedelta(days=1)
    open_day(on=on, actor=SYSTEM, now=NOW)
    leave_collection(loan_id=loan.pk, on=on, gateway=LOOPBACK, now=NOW)
    payout = Transfer.objects.get(loan=loan, kind=TransferKind.PAYOUT)
    return_payout(transfer_id=payout.pk, on=on, reason="no such account", actor=SYSTEM, now=NOW)
    sweep(Bank())
    left = Transfer.objects.get(loan=loan, kind=TransferKind.COLLECTION)
    assert (left.state, left.moved_minor) == (TransferState.FAILED, 0)
    assert proven()


def test_those_who_are_never_answered_keep_nobody_else_waiting() -> None:
    """Red if a close asked in the order of ids: five accounts at a dead bank would stop all others, every night."""
    bank = Bank()
    loans = [lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1}) for _ in range(SILENCES + 2)]
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    close(bank.gateways)
    for loan in loans[:SILENCES]:
        claimed = claim_collection(loan_id=loan.pk, on=OPENED + timedelta(days=1), gateway=LOOPBACK, now=NOW)
        assert claimed is not None
        record_collection(transfer_id=claimed.transfer_id, answer=None, now=NOW)
        bank.mute.add(claimed.order.key)
    for day in (2, 3):
        open_day(on=OPENED + timedelta(days=day), actor=SYSTEM, now=NOW)
        close(bank.gateways)
    done = Transfer.objects.filter(kind=TransferKind.COLLECTION, state=TransferState.DONE)
    assert set(done.values_list("loan", "on")) == {
        (loan.pk, OPENED + timedelta(days=day)) for loan in loans[SILENCES:] for day in (1, 2)
    }
    for loan in loans[:SILENCES]:  # asked last: of the last five orders none has an answer
        [mute] = Transfer.objects.filter(loan=loan, kind=TransferKind.COLLECTION)
        Transfer.objects.filter(pk=mute.pk).update(sent_at=timezone.now())
    payout = due(make_loan())
    send_payout(bank.gateways, transfer_id=payout.pk, clock=timezone.now)
    assert Transfer.objects.get(pk=payout.pk).state == TransferState.DUE, "the last five had no answer"
    sweep(bank)
    assert Transfer.objects.get(pk=payout.pk).state == TransferState.DONE, "asked before those who are never answered"


@pytest.fixture
def unanswered() -> Transfer:
    """Ask for what is due on the first day and get no answer; the gateway is back since."""
    loan = lent(amount_minor=90_000, terms={"unit": "DAY", "every": 1})
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    claimed = claim_collection(loan_id=loan.pk, on=OPENED + timedelta(days=1), gateway=LOOPBACK, now=NOW)
    assert claimed is not None
    close()
    return record_collection(transfer_id=claimed.transfer_id, answer=None, now=NOW)


def test_a_sweep_settles_a_collection_without_an_answer(unanswered: Transfer) -> None:
    """Red if only the next close asked: for a day nobody would know what became of the merchant's money."""
    bank = Bank()
    sweep(bank)
    sweep(bank)
    unanswered.refresh_from_db()
    assert (unanswered.state, unanswered.moved_minor) == (TransferState.DONE, unanswered.amount_minor)
    assert Loan.objects.get().repaid_minor == unanswered.amount_minor
    assert bank.asked == [unanswered.key]
    assert proven()


@pytest.mark.usefixtures("unanswered")
def test_a_close_settles_an_old_collection_and_goes_on_to_the_due_of_its_day() -> None:
    """Red if a loan was asked once only: its due would wait for the next day's close, and be a day late."""
    open_day(on=OPENED + timedelta(days=2), actor=SYSTEM, now=NOW)
    close()
    open_day(on=OPENED + timedelta(days=3), actor=SYSTEM, now=NOW)
    close(Bank().gateways)
    collected = Transfer.objects.filter(kind=TransferKind.COLLECTION).order_by("pk").values_list("on", "state")
    assert list(collected) == [(OPENED + timedelta(days=day), TransferState.DONE) for day in (1, 2)]
    assert proven()
