"""Loans written off, settled, restructured, and payments that bounce, against the database."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.booking import BookingRefusal
from lending.domain.contract.events import EventType
from lending.models import Entry, Instalment, Loan, LoanEvent, Transfer
from lending.operations.loans import EventNotBooked
from lending.operations.write_offs import write_off_late_loans
from lending.queries.behaviour import behaviours
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bookings import book, refund_credit, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, close, lent, proven, roll, serviced
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = {"on": OPENED, "reason": "agreed", "actor": CLERK, "now": NOW}


def write_off() -> int:
    return write_off_late_loans(clock=lambda: NOW)


def test_a_loan_is_written_off_by_its_products_rule_and_once() -> None:
    """Red if a day too early, before the day's money may have come, twice, or while a bank is asked."""
    late, current = serviced(lent(terms=EVERY_FIVE_DAYS), write_off_dpd=3), lent()
    roll(OPENED + timedelta(days=7))
    open_day(on=OPENED + timedelta(days=8), actor=SYSTEM, now=NOW)
    assert write_off() == 0, "the day before is not closed"
    close()
    collection = Transfer.objects.create(
        loan=late, kind="COLLECTION", state="DUE", key="00000000-0000-0000-0000-000000000001", on=OPENED,
        amount_minor=1, answer="", made_at=NOW,
    )  # fmt: skip
    assert write_off() == 0
    collection.state, collection.settled_at = "FAILED", NOW
    collection.save()
    assert (write_off(), write_off()) == (1, 0)
    late.refresh_from_db()
    current.refresh_from_db()
    assert (late.status, late.principal_minor, current.status) == ("WRITTEN_OFF", 0, "ACTIVE")
    event = OperationEvent.objects.get(name="lending.book_write_off")
    assert event.amount_minor == event.before["payoff_minor"] > 0
    assert LoanEvent.objects.get(loan=late, type="write_off").reason == "3 days past due"
    roll(OPENED + timedelta(days=12))
    late.refresh_from_db()
    assert late.interest_minor == late.interest_written_off_minor + late.interest_paid_minor
    assert late.late_since == OPENED + timedelta(days=5)
    assert proven()


def test_a_recovery_is_income_and_an_undone_write_off_allocates_it_anew() -> None:
    loan = lent()
    written_off = book(EventType.WRITE_OFF, loan_id=loan.pk)
    payment = take_repayment(loan_id=loan.pk, amount_minor=200_000, **TOLD)  # type: ignore[arg-type]
    loan.refresh_from_db()
    assert (loan.status, loan.recovered_minor, loan.due_minor) == ("WRITTEN_OFF", 200_000, 1_000_000)
    [posting] = Entry.objects.get(event=payment).postings.all()
    assert (posting.debit_id, posting.credit_id, posting.amount_minor) == ("COLLECTION_CLEARING", "RECOVERIES", 200_000)
    reverse_event(loan_id=loan.pk, seq=written_off.seq, **TOLD)  # type: ignore[arg-type]
    loan.refresh_from_db()
    assert (loan.status, loan.recovered_minor, loan.principal_minor) == ("ACTIVE", 0, 1_000_000)
    assert proven()


def test_whoever_undid_a_write_off_decides_from_then_on() -> None:
    """Red if the rule wrote it off again an hour later; or if one bad loan stopped the others."""
    loan = serviced(lent(terms=EVERY_FIVE_DAYS), write_off_dpd=3)
    roll(OPENED + timedelta(days=8))
    assert write_off() == 1
    seq = loan.events.get(type="write_off").seq
    book(EventType.REVERSAL, loan_id=loan.pk, of=seq, on=OPENED + timedelta(days=8))
    assert write_off() == 0
    other = serviced(lent(terms=EVERY_FIVE_DAYS), write_off_dpd=3)
    broken = serviced(lent(terms=EVERY_FIVE_DAYS), write_off_dpd=3)
    roll(OPENED + timedelta(days=16))
    forge(broken, terms={**broken.terms, "periods": 0})
    assert write_off() == 1
    other.refresh_from_db()
    assert other.status == "WRITTEN_OFF"


def test_a_refund_that_is_owed_back_makes_late_and_can_be_let_go() -> None:
    """Red if a merchant who keeps money that bounced looks current, or could never be written off."""
    loan, other = lent(), lent()
    for one in (loan, other):
        payment = take_repayment(loan_id=one.pk, amount_minor=1_700_000, **TOLD)  # type: ignore[arg-type]
        refund_credit(loan_id=one.pk, amount_minor=500_000, **TOLD)  # type: ignore[arg-type]
        book(EventType.BOUNCE, loan_id=one.pk, of=payment.seq)
    roll(OPENED + timedelta(days=3))
    loan.refresh_from_db()
    assert loan.late_since == OPENED
    today = OPENED + timedelta(days=3)
    book(EventType.WRITE_OFF, loan_id=loan.pk, on=today)
    book(EventType.SETTLEMENT, loan_id=other.pk, on=today, amount_minor=100_000)
    loan.refresh_from_db()
    other.refresh_from_db()
    assert (loan.status, loan.receivable_minor, loan.principal_written_off_minor) == ("WRITTEN_OFF", 0, 1_700_000)
    assert (other.status, other.receivable_minor) == ("CLOSED", 0)
    assert proven()


def test_a_bounce_lets_no_other_payment_be_reversed_whose_credit_is_gone() -> None:
    loan = lent()
    payment = take_repayment(loan_id=loan.pk, amount_minor=1_300_000, **TOLD)  # type: ignore[arg-type]
    refund_credit(loan_id=loan.pk, amount_minor=100_000, **TOLD)  # type: ignore[arg-type]
    small = take_repayment(loan_id=loan.pk, amount_minor=1, **TOLD)  # type: ignore[arg-type]
    book(EventType.BOUNCE, loan_id=loan.pk, of=small.seq)
    with pytest.raises(EventNotBooked, match="CREDIT_TOO_SMALL"):
        reverse_event(loan_id=loan.pk, seq=payment.seq, **TOLD)  # type: ignore[arg-type]


def test_how_late_a_loan_has_been_is_not_agreed_away() -> None:
    """Red if a pause dated on the day of the payout made a late loan one that never was."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=9))
    with pytest.raises(EventNotBooked, match="NOT_BACK_DATED"):
        book(EventType.PAUSE, loan_id=loan.pk, periods=10, on=OPENED)


def test_what_was_written_off_is_no_loan_repaid() -> None:
    """Red if a merchant who was let off looks like one who paid."""
    off, settled, paid = lent(), lent(), lent()
    book(EventType.WRITE_OFF, loan_id=off.pk)
    book(EventType.SETTLEMENT, loan_id=settled.pk, amount_minor=600_000)
    take_repayment(loan_id=paid.pk, amount_minor=1_200_000, **TOLD)  # type: ignore[arg-type]
    found = behaviours(merchants=[off.merchant_id, settled.merchant_id, paid.merchant_id], day=OPENED)
    assert [one.loans_repaid for one in found] == [0, 0, 1]
    assert [one.repaid_minor for one in found] == [0, 0, 0]


def test_a_payment_that_bounces_after_its_surplus_was_refunded_is_owed_back() -> None:
    loan = lent()
    payment = take_repayment(loan_id=loan.pk, amount_minor=1_300_000, **TOLD)  # type: ignore[arg-type]
    refund_credit(loan_id=loan.pk, amount_minor=100_000, **TOLD)  # type: ignore[arg-type]
    with pytest.raises(EventNotBooked, match="CREDIT_TOO_SMALL"):
        reverse_event(loan_id=loan.pk, seq=payment.seq, **TOLD)  # type: ignore[arg-type]
    book(EventType.BOUNCE, loan_id=loan.pk, of=payment.seq)
    loan.refresh_from_db()
    assert (loan.status, loan.receivable_minor, loan.principal_minor) == ("ACTIVE", 100_000, 1_200_000)
    assert loan.due_minor == 100_000
    take_repayment(loan_id=loan.pk, amount_minor=150_000, **TOLD)  # type: ignore[arg-type]
    loan.refresh_from_db()
    assert (loan.receivable_minor, loan.principal_minor) == (0, 1_150_000)
    assert proven()


def test_a_pause_moves_the_rows_and_the_next_due_date() -> None:
    """Red if the instalments stay as they were drawn, as their number does."""
    loan = lent(months=3)
    dues = list(Instalment.objects.filter(loan=loan).order_by("no").values_list("due", flat=True))
    book(EventType.PAUSE, loan_id=loan.pk, periods=1)
    moved = list(Instalment.objects.filter(loan=loan).order_by("no").values_list("due", flat=True))
    assert moved[:2] == dues[1:]
    loan.refresh_from_db()
    assert (loan.next_due, loan.turns_on) == (dues[1], dues[1])
    assert proven()


@pytest.mark.parametrize(
    ("kind", "figure", "reason"),
    [
        (EventType.WAIVE_INTEREST, {"amount_minor": 1}, BookingRefusal.MORE_THAN_IS_OPEN),
        (EventType.SETTLEMENT, {"amount_minor": 1_200_000}, BookingRefusal.NOTHING_LEFT_TO_SETTLE),
        (EventType.RE_AMORTISE, {"periods": 12}, BookingRefusal.NOTHING_TO_REDRAW),
        (EventType.PAUSE, {"periods": 61}, BookingRefusal.TOO_MANY_PERIODS),
        (EventType.RATE_CHANGE, {"rate": Decimal("0.146")}, BookingRefusal.RATE_UNCHANGED),
    ],
)
def test_what_would_do_less_than_it_says_is_refused(
    kind: EventType, figure: dict[str, Any], reason: BookingRefusal
) -> None:
    loan = serviced(lent(months=12), lowest_rate="0.05", highest_rate="0.36")
    with pytest.raises(EventNotBooked) as refused:
        book(kind, loan_id=loan.pk, **figure)
    assert refused.value.reason is reason
    assert loan.events.count() == 1


def test_a_written_off_loan_is_neither_restructured_nor_written_off_again() -> None:
    loan = lent()
    book(EventType.WRITE_OFF, loan_id=loan.pk)
    with pytest.raises(EventNotBooked, match="WRITTEN_OFF"):
        book(EventType.WRITE_OFF, loan_id=loan.pk)
    with pytest.raises(EventNotBooked, match="WRITTEN_OFF"):
        book(EventType.PAUSE, loan_id=loan.pk, periods=1)


def test_a_write_off_and_a_repayment_at_once_are_both_booked() -> None:
    """Red if one overwrites the other: whichever is first, the loss and the money are in the books once."""
    loan = lent()
    pay = partial(take_repayment, loan_id=loan.pk, amount_minor=200_000, **TOLD)  # type: ignore[arg-type]
    outcomes = race(partial(book, EventType.WRITE_OFF, loan_id=loan.pk), pay, held=Loan.objects.all())
    assert [type(outcome) for outcome in outcomes] == [LoanEvent, LoanEvent]
    loan.refresh_from_db()
    assert (loan.status, loan.repaid_minor, loan.due_minor) == ("WRITTEN_OFF", 200_000, 1_000_000)
    assert proven()


def test_a_fee_is_waived() -> None:
    loan = lent()
    book(EventType.CHARGE, loan_id=loan.pk, amount_minor=500)
    book(EventType.WAIVE_FEE, loan_id=loan.pk, amount_minor=300)
    loan.refresh_from_db()
    assert (loan.due_minor, loan.fees_written_off_minor, loan.waived_minor) == (200, 300, 300)
    assert proven()
