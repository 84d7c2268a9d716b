"""What the audit trail has of each verb that moves money or lets it go: how much, before and after, from where."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.models import OperationEvent
from lending.domain.contract.events import EventType
from lending.models import Loan, Offer
from lending.operations.loans import book_repayment
from lending.operations.payouts import cancel_loan, return_payout
from merchants.models import Partner
from tests.conftest import CLERK, NOW
from tests.lending.api.calls import post, yuan
from tests.lending.bookings import book
from tests.lending.loans import OPENED, lent, make_loan
from tests.lending.market import accept, make_offers
from tests.lending.office import staff
from tests.lending.operations.test_transfers import due
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)
LENT = 1_200_000


def repay(loan: Loan, amount_minor: int) -> None:
    book_repayment(loan_id=loan.pk, amount_minor=amount_minor, on=OPENED, external_ref="p", actor=SYSTEM, now=NOW)


def charged(loan: Loan) -> None:
    book(EventType.CHARGE, loan_id=loan.pk, amount_minor=500)


def with_credit(loan: Loan) -> None:
    repay(loan, LENT + 700)


# What is done before, what is booked, and the amount with what the loan owes before and after.
BOOKINGS: dict[EventType, tuple[Callable[[Loan], object], Callable[[Loan], object], tuple[int, int, int]]] = {
    EventType.REPAYMENT: (
        lambda _: None,
        lambda loan: repay(loan, 1_000),
        (1_000, LENT, LENT - 1_000),
    ),
    EventType.CHARGE: (lambda _: None, charged, (500, LENT, LENT + 500)),
    EventType.WAIVE_FEE: (
        charged,
        lambda loan: book(EventType.WAIVE_FEE, loan_id=loan.pk, amount_minor=300),
        (300, LENT + 500, LENT + 200),
    ),
    EventType.REVERSAL: (
        charged,
        lambda loan: book(EventType.REVERSAL, loan_id=loan.pk, of=2),
        (500, LENT + 500, LENT),
    ),
    EventType.BOUNCE: (
        lambda loan: repay(loan, 1_000),
        lambda loan: book(EventType.BOUNCE, loan_id=loan.pk, of=2),
        (1_000, LENT - 1_000, LENT),
    ),
    EventType.REFUND_CREDIT: (
        with_credit,
        lambda loan: book(EventType.REFUND_CREDIT, loan_id=loan.pk, amount_minor=700),
        (700, 0, 0),
    ),
    EventType.WRITE_OFF: (
        lambda _: None,
        lambda loan: book(EventType.WRITE_OFF, loan_id=loan.pk),
        (LENT, LENT, LENT),  # it is still owed
    ),
}


@pytest.mark.parametrize("kind", BOOKINGS)
def test_a_booking_says_how_much_and_what_is_owed_before_and_after(kind: EventType) -> None:
    before, do, said = BOOKINGS[kind]
    loan = lent()
    before(loan)
    do(loan)
    event = OperationEvent.objects.filter(name__startswith="lending.book_").latest("pk")
    assert event.name == f"lending.book_{kind}"
    assert (event.amount_minor, event.before["payoff_minor"], event.after["payoff_minor"]) == said
    assert (event.currency, event.address) == ("CNY", None)


def test_a_loan_that_is_promised_or_cancelled_says_how_much() -> None:
    due(make_loan())
    cancel_loan(loan_id=Loan.objects.get().pk, reason="withdrawn", actor=CLERK, now=NOW)
    event = OperationEvent.objects.get(name="lending.cancel_loan")
    assert (event.amount_minor, event.currency) == (LENT, "CNY")


def test_a_payout_that_is_taken_back_says_how_much() -> None:
    payout = lent().transfers.get()
    return_payout(transfer_id=payout.pk, on=OPENED, reason="no such account", actor=SYSTEM, now=NOW)
    event = OperationEvent.objects.get(name="lending.return_payout")
    assert (event.amount_minor, event.before["payoff_minor"], event.after["payoff_minor"]) == (LENT, LENT, 0)


def test_an_application_says_how_much() -> None:
    make_offers()

    application = accept(Offer.objects.open()[0])
    event = OperationEvent.objects.get(name="lending.accept_offer")
    assert (event.amount_minor, event.currency) == (application.amount_minor, application.currency)


def test_a_partners_payment_says_from_where(client: Client) -> None:
    loan = lent()
    sent = {"amount": yuan("10"), "on": OPENED.isoformat(), "external_ref": "p1"}
    status, _ = post(Api(token_for(Partner.objects.get())), f"loans/loan_{loan.pk}/repayments", sent)
    assert status == 201
    event = OperationEvent.objects.get(name="lending.book_repayment")
    assert (event.amount_minor, event.address) == (1_000, "127.0.0.1")
    client.force_login(staff(Role.AUDITOR))
    trail = reverse("admin:office_operationevent_changelist")
    for query, found in (
        ({"least": "10 CNY"}, [event]),
        ({"least": "10.01 CNY"}, []),
        ({"least": "1 EUR"}, []),
        ({"from": "127.0.0.1", "q": "lending.book"}, [event]),
        ({"from": "127.0.0.2"}, []),
    ):
        assert list(client.get(trail, query).context["listing"].rows) == found, query
    for wrong in ({"least": "ten"}, {"from": "here"}):
        assertContains(client.get(trail, wrong, follow=True), "does not know")
    assertContains(client.get(trail), "10.00 CNY")
    assertContains(client.get(reverse("admin:office_operationevent_change", args=[event.pk])), "11,990.00")
