from dataclasses import replace
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import SYSTEM
from lending.admin.words import BOOKING_REFUSALS
from lending.domain.books.booking import Booking, BookingRefusal
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import ReturnRefusal
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal
from lending.models import Loan, LoanEvent, Transfer
from lending.operations.loans import EventNotBooked, book_by_hand
from lending.queries.bookings import get_verb_refusal, preview_booking
from lending.queries.transfers import get_return_refusal, last_payout
from tests.approvals import approve_open
from tests.conftest import CLERK, NOW
from tests.lending.bookings import refund_credit
from tests.lending.loans import OPENED, lent, make_loan
from tests.lending.office import staff
from tests.lending.operations.test_loans import everything, pay

pytestmark = pytest.mark.django_db(transaction=True)
CREDIT = {EventType.APPLY_CREDIT, EventType.REFUND_CREDIT}


def test_what_may_not_be_booked_at_all_is_said_before_anything_is_asked() -> None:
    """Red if the page had a rule of its own: the operation refuses for the same reasons."""
    waiting, loan = make_loan(), lent()
    assert {get_verb_refusal(waiting, kind) for kind in EventType} == {BookingRefusal.NOT_DISBURSED}
    assert {kind for kind in EventType if get_verb_refusal(loan, kind)} == CREDIT
    with pytest.raises(EventNotBooked) as refused:
        refund_credit(loan_id=loan.pk, amount_minor=1, on=OPENED, reason="asked for", actor=CLERK, now=NOW)
    assert refused.value.reason is get_verb_refusal(loan, EventType.REFUND_CREDIT) is LoanRefusal.CREDIT_TOO_SMALL
    pay(loan, 1_300_000)
    assert {kind for kind in EventType if get_verb_refusal(Loan.objects.get(pk=loan.pk), kind)} == set()


def test_whether_a_payout_can_be_taken_back_is_judged_alike() -> None:
    waiting, loan = make_loan(), lent()
    assert get_return_refusal(waiting) is ReturnRefusal.NOT_PAID_OUT
    assert get_return_refusal(loan) is None
    payout = last_payout(loan)
    assert payout is not None
    Transfer.objects.create(
        loan=loan,
        kind="COLLECTION",
        state="SENT",
        key=uuid4(),
        amount_minor=1,
        on=OPENED,
        made_at=NOW,
        sent_at=NOW,
        attempts=1,
    )
    assert get_return_refusal(loan) is ReturnRefusal.COLLECTION_UNDER_WAY


def test_a_repayment_far_above_what_is_owed_is_asked_again_and_from_a_system_refused() -> None:
    """Red if two zeros too many were booked without a question, or a partner's system could book any amount."""
    loan = lent(amount_minor=1_200_000)
    before = everything()
    for ref in ("", "p1"):
        with pytest.raises(EventNotBooked) as refused:
            pay(loan, 2_400_001, ref=ref)
        assert refused.value.reason is BookingRefusal.AMOUNT_IMPLAUSIBLE
    assert everything() == before
    asked = Booking(type=EventType.REPAYMENT, on=OPENED, amount_minor=2_400_001, by_hand=True, reason="cash")
    preview = preview_booking(loan, asked)
    assert preview.is_implausible
    assert preview.plan is not None, "its effects are shown beside the question"

    def book(amount: int, *, sure: bool) -> LoanEvent:
        booking = replace(asked, amount_minor=amount, sure=sure)
        return book_by_hand(loan_id=loan.pk, booking=booking, actor=SYSTEM, now=NOW)

    book(2_400_001, sure=True)
    assert Loan.objects.get(pk=loan.pk).credit_minor == 1_200_001
    pay(loan, 1_199_999, ref="p2")  # with the credit that is held, twice what was lent, though nothing is owed
    with pytest.raises(EventNotBooked):
        pay(loan, 1, ref="p3")


def test_many_repayments_are_no_more_plausible_than_one() -> None:
    """Red if a system could raise the credit without bound, by reports each of which is plausible."""
    loan = lent(amount_minor=1_200_000)
    for ref in ("p1", "p2"):
        pay(loan, 1_200_000 if ref == "p1" else 2_400_000, ref=ref)
    with pytest.raises(EventNotBooked) as refused:
        pay(loan, 100, ref="p3")
    assert refused.value.reason is BookingRefusal.AMOUNT_IMPLAUSIBLE


def test_the_office_asks_again_before_it_books_far_too_much(client: Client) -> None:
    loan = lent(amount_minor=1_200_000)
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_loan_repay", args=[loan.pk])
    sent = {"amount": "120,000.00", "on": OPENED.isoformat(), "reason": "cash", "step": "preview"}
    assertContains(client.post(address, sent), BOOKING_REFUSALS[BookingRefusal.AMOUNT_IMPLAUSIBLE])
    assertContains(client.post(address, sent | {"amount": "12,50"}), "Write the amount like 1,234.50")
    seen = loan.events.count()
    assertContains(client.post(address, sent | {"step": "confirm", "seen": seen}), 'name="sure"')
    assert loan.events.count() == seen, "not without the tick"
    client.post(address, sent | {"sure": "1", "step": "confirm", "seen": seen})
    approve_open()
    assert loan.events.count() == seen + 1


@pytest.mark.parametrize("verb", ["settle", "write_off"])
def test_the_office_asks_again_before_it_gives_up_a_loan_that_is_not_past_due(client: Client, verb: str) -> None:
    loan = lent(amount_minor=1_200_000)
    client.force_login(staff(Role.RISK_MANAGER))
    address = reverse(f"admin:lending_loan_{verb}", args=[loan.pk])
    seen = loan.events.count()
    sent = {"amount": "1,000.00", "on": OPENED.isoformat(), "reason": "closed its shop", "seen": seen}
    before = everything()
    assertContains(client.post(address, sent | {"step": "confirm"}), 'name="sure"')
    assert everything() == before, "not without the tick"
    client.post(address, sent | {"step": "confirm", "sure": "1"})
    approve_open()
    loan.refresh_from_db()
    assert loan.events.count() == seen + 1
    assert loan.status == (LoanStatus.CLOSED if verb == "settle" else LoanStatus.WRITTEN_OFF)
