"""Many loans are collected together: as each alone would be, in few statements, waiting for none that is held."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from config.db.transactions import Contended, StaleRow
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from lending.domain.books.transfer import Answer, Moved, Nothing, Pending
from lending.gateways.breaker import Breaker
from lending.gateways.protocol import NoAnswer, Order
from lending.gateways.registry import LOOPBACK
from lending.models import Loan, LoanEvent, Transfer
from lending.operations.collection_rounds import collect_together
from lending.operations.collections import collect_loan
from lending.queries.books import drifted_loans, prove_accounts
from tests.conftest import NOW
from tests.lending.bank import Bank
from tests.lending.loans import OPENED, lent
from tests.race import lock_timeout

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = {"unit": "DAY", "every": 1}
DUE = OPENED + timedelta(days=1)


class Moody(Bank):
    """A bank that answers one loan after the other in another way."""

    def _do(self, order: Order) -> Answer:
        answers: list[Answer] = [
            Moved(order.amount.minor),
            Moved(1),
            Nothing("closed"),
            Pending("ref"),
            Moved(order.amount.minor + 1),
        ]
        number = Loan.objects.filter(merchant__lt=order.merchant_id).count() % 6
        if number >= len(answers):
            raise NoAnswer
        return answers[number]


def due_loans(number: int) -> list[Loan]:
    loans = [lent(amount_minor=90_000, terms=DAILY) for _ in range(number)]
    open_day(on=DUE, actor=SYSTEM, now=NOW)
    return loans


def together(bank: Bank, loans: list[Loan]) -> list[int]:
    keys = [loan.pk for loan in loans]
    breaker = Breaker(LOOPBACK, bank)
    return list(collect_together(breaker, loans=keys, on=DUE, clock=lambda: NOW, renew=lambda: None))


def outcome(loans: list[Loan]) -> list[tuple[object, ...]]:
    transfers = Transfer.objects.filter(loan__in=loans, kind="COLLECTION").order_by("loan")
    events = LoanEvent.objects.filter(loan__in=loans, type="repayment").order_by("loan")
    rows = Loan.objects.filter(pk__in=[loan.pk for loan in loans]).order_by("pk")
    return [
        *transfers.values_list("state", "amount_minor", "moved_minor", "answer", "attempts"),
        *events.values_list("seq", "on", "amount_minor"),
        *rows.values_list("booked_to", "principal_minor", "due_minor", "late_since", "turns_on"),
    ]


def test_together_is_as_one_by_one() -> None:
    """Red if an answer is settled, or a repayment booked, otherwise than for one loan alone."""
    loans = due_loans(12)
    some, others = loans[:6], loans[6:]
    assert together(Moody(), some) == []
    for loan in others:
        collect_loan(Breaker(LOOPBACK, Moody()), loan_id=loan.pk, on=DUE, to=DUE, clock=lambda: NOW)
    assert outcome(some) == outcome(others)
    assert proven(loans)


def proven(loans: list[Loan]) -> bool:
    rows = list(Loan.objects.filter(pk__in=[loan.pk for loan in loans]))
    return all(balance.holds for balance in prove_accounts()) and not drifted_loans(rows)


def test_ten_loans_take_as_many_statements_as_two() -> None:
    loans, counts = due_loans(12), []
    for some in (loans[:2], loans[2:]):
        with CaptureQueriesContext(connection) as captured:
            together(Bank(), some)
        counts.append(len(captured))
    assert counts[0] == counts[1] < 40


def test_while_the_bank_is_silent_what_was_not_asked_stays_due() -> None:
    loans = due_loans(8)
    bank = Bank()
    bank.silent = True
    together(bank, loans)
    states = list(Transfer.objects.filter(kind="COLLECTION").order_by("pk").values_list("state", "attempts"))
    assert states == [("UNKNOWN", 1)] * 5 + [("DUE", 0)] * 3
    assert together(bank, loans) == [loan.pk for loan in loans], "they have a collection of the day"


def test_a_loan_that_somebody_holds_keeps_no_other_waiting() -> None:
    loans = due_loans(3)
    with lock_timeout("300ms"), transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Loan.objects.filter(pk=loans[1].pk).lock().get()
        left = pool.submit(elsewhere, loans).result()
    assert left == [loan.pk for loan in loans]
    assert not Transfer.objects.filter(kind="COLLECTION").exists()


def elsewhere(loans: list[Loan]) -> list[int]:
    try:
        return together(Bank(), loans)
    finally:
        connection.close()


def test_answers_that_cannot_be_recorded_together_are_recorded_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loans = due_loans(3)

    def contended(*_args: object, **_kwargs: object) -> None:
        raise Contended

    monkeypatch.setattr("lending.operations.collection_rounds._record", contended)
    assert together(Bank(), loans) == []
    assert LoanEvent.objects.filter(type="repayment").count() == 3
    assert proven(loans)


class Slow(Bank):
    """A bank that takes three seconds an order, by the test's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW

    def _do(self, order: Order) -> Answer:
        self.now += timedelta(seconds=3)
        return super()._do(order)


def test_a_slow_bank_is_not_asked_for_what_was_due_long_ago() -> None:
    """Red if a hundred amounts were computed before the first is collected, whatever is paid meanwhile."""
    loans, bank = due_loans(4), Slow()
    keys = [loan.pk for loan in loans]
    left = collect_together(Breaker(LOOPBACK, bank), loans=keys, on=DUE, clock=lambda: bank.now, renew=lambda: None)
    assert left == keys[2:]
    states = Transfer.objects.filter(kind="COLLECTION").order_by("loan").values_list("state", "attempts")
    assert list(states) == [("DONE", 1)] * 2 + [("DUE", 0)] * 2


def test_whatever_stops_it_what_the_bank_did_is_recorded() -> None:
    """Red if the lease that is lost between two orders lost the answers, or the sweep's order were put back."""
    loans, calls = due_loans(4), []

    def renew() -> None:
        calls.append(1)
        if len(calls) == 3:
            Transfer.objects.filter(loan=loans[3], kind="COLLECTION").update(attempts=2)  # as the sweep does
            raise StaleRow

    with pytest.raises(StaleRow):
        collect_together(
            Breaker(LOOPBACK, Bank()), loans=[one.pk for one in loans], on=DUE, clock=lambda: NOW, renew=renew
        )
    states = Transfer.objects.filter(kind="COLLECTION").order_by("loan").values_list("state", "attempts")
    assert list(states) == [("DONE", 1)] * 2 + [("DUE", 0), ("SENT", 2)]
    assert LoanEvent.objects.filter(type="repayment").count() == 2
    assert proven(loans)
