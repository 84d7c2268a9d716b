from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.db.models import F

from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.at_rest import Standing
from lending.domain.books.booking import BookingRefusal
from lending.domain.books.ledger import Account
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.refusal import LoanRefusal
from lending.models import DayClose, Entry, Instalment, Loan, LoanEvent, Posting, Transfer
from lending.operations.loans import EventNotBooked, book_repayment
from lending.queries.books import drifted_loans
from lending.queries.closes import last_night
from lending.queries.loans import standing_of
from merchants.domain.idempotency import KeyRefusal, RequestKey
from merchants.models import KeptRequest
from merchants.operations.idempotency import RequestNotTaken
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.lending.bookings import apply_credit, change_rate, charge_fee, refund_credit, reverse_event
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, close, lent, make_loan, proven, roll
from tests.race import lock_timeout, race

pytestmark = pytest.mark.django_db(transaction=True)

PARTNER = Actor(ActorKind.PARTNER, 1)


def pay(loan: Loan, amount: int, *, on: date = OPENED, ref: str = "", key: RequestKey | None = None) -> LoanEvent:
    actor = PARTNER if ref else CLERK
    return book_repayment(loan_id=loan.pk, amount_minor=amount, on=on, external_ref=ref, actor=actor, now=NOW, key=key)


def everything() -> list[object]:
    tables = (Loan, LoanEvent, Instalment, Entry, Posting, KeptRequest, OperationEvent)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def moved(event: LoanEvent) -> dict[tuple[str, str], int]:
    return {(part.debit_id, part.credit_id): part.amount_minor for part in Posting.objects.filter(entry__event=event)}


def test_money_paid_out_is_owed_and_drawn_as_instalments() -> None:
    loan = lent(amount_minor=1_200_000, months=6)
    assert (loan.status, loan.principal_minor, loan.disbursed_on, loan.booked_to) == (
        LoanStatus.ACTIVE,
        1_200_000,
        OPENED,
        OPENED,
    )
    assert sum(Instalment.objects.filter(loan=loan).values_list("principal_minor", flat=True)) == 1_200_000
    assert loan.next_due == date(2026, 4, 1)
    assert moved(LoanEvent.objects.get()) == {(Account.PRINCIPAL, Account.PAYOUT_CLEARING): 1_200_000}
    assert proven()


def test_a_payment_is_posted_where_the_waterfall_puts_it_and_too_much_becomes_credit() -> None:
    """Red if the night ahead of the close is not booked first: the entry would mix what was earned with what moved."""
    loan = lent()
    on = date(2026, 4, 1)
    open_day(on=on, actor=SYSTEM, now=NOW)
    event = pay(loan, 2_000_000, on=on, ref="p1")
    loan.refresh_from_db()
    assert (loan.status, loan.closed_on, loan.booked_to) == (LoanStatus.CLOSED, on, on)
    interest = loan.interest_minor
    assert moved(event) == {
        (Account.COLLECTION_CLEARING, Account.PRINCIPAL): 1_200_000,
        (Account.COLLECTION_CLEARING, Account.INTEREST_RECEIVABLE): interest,
        (Account.COLLECTION_CLEARING, Account.MERCHANT_CREDIT): 800_000 - interest,
    }
    refund_credit(
        loan_id=loan.pk,
        amount_minor=800_000 - interest,
        on=on,
        reason="paid back",
        actor=CLERK,
        now=NOW,
    )
    open_day(on=on + timedelta(days=9), actor=SYSTEM, now=NOW)
    charge_fee(loan_id=loan.pk, amount_minor=1, on=on, reason="an envelope", actor=CLERK, now=NOW)
    pay(loan, 1, on=on + timedelta(days=1))
    loan.refresh_from_db()
    assert loan.closed_on == on + timedelta(days=1)
    pay(loan, 1, on=on + timedelta(days=9))
    loan.refresh_from_db()
    assert loan.closed_on == on + timedelta(days=1), "what comes later closes nothing"
    assert (loan.credit_minor, loan.refunded_minor) == (1, 800_000 - interest)
    assert proven()


def stands(loan: Loan) -> Standing:
    """Tell how a loan stands after the last night that was closed, or its last event if that is later."""
    return standing_of(Loan.objects.get(pk=loan.pk), on=last_night())


def test_a_payment_ahead_of_the_close_advances_its_loan_and_the_close_books_the_rest_once() -> None:
    """Red if the close did not skip what a write has advanced: a night's interest would be earned twice."""
    loan, other = lent(), lent()
    roll(date(2026, 3, 10))
    pay(loan, 100_000, on=date(2026, 3, 10))
    roll(date(2026, 3, 11))
    # Ten nights; the last on 95,680 less, as 4,320 of the payment were interest: at 0.04 % a day, 38 less.
    stand = [stands(one).position.interest_minor for one in (other, loan)]
    assert stand == [4_800, 4_762]
    assert proven()


def test_a_back_dated_payment_and_its_reversal_post_only_differences() -> None:
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(date(2026, 3, 16))
    before = stands(loan)
    assert before.dpd == 10
    assert before.position.penalty_minor > 0
    event = pay(loan, 700_000, on=date(2026, 3, 6))
    # It prepays the second instalment, but not the interest that falls due with it.
    healed = stands(loan)
    assert (healed.dpd, healed.position.penalty_minor, healed.worst_dpd) == (5, 0, 5)
    assert proven()
    reverse_event(
        loan_id=loan.pk, seq=event.seq, on=date(2026, 3, 16), reason="the cheque bounced", actor=CLERK, now=NOW
    )
    assert stands(loan) == before
    assert proven()
    roll(date(2026, 3, 18))
    assert proven()


def test_fees_rates_and_credit_are_booked_and_proven() -> None:
    loan = lent()
    on = date(2026, 3, 5)
    open_day(on=on, actor=SYSTEM, now=NOW)
    charge_fee(loan_id=loan.pk, amount_minor=5_000, on=on, reason="a copy of the contract", actor=CLERK, now=NOW)
    change_rate(loan_id=loan.pk, rate=Decimal("0.073"), on=on, reason="agreed", actor=CLERK, now=NOW)
    pay(loan, 1_300_000, on=on)
    charge_fee(loan_id=loan.pk, amount_minor=1_000, on=on, reason="late", actor=CLERK, now=NOW)
    apply_credit(loan_id=loan.pk, amount_minor=1_000, on=on, reason="to the fee", actor=CLERK, now=NOW)
    loan.refresh_from_db()
    assert (loan.fees_minor, loan.fees_paid_minor, loan.status) == (6_000, 6_000, LoanStatus.CLOSED)
    assert proven()


def test_what_was_not_shown_is_not_confirmed() -> None:
    """Red without `seen`: a form sent twice would book money twice."""
    loan = lent()
    arguments = {"loan_id": loan.pk, "amount_minor": 500, "on": OPENED, "reason": "a copy", "actor": CLERK, "now": NOW}
    charge_fee(**arguments, seen=1)  # type: ignore[arg-type]
    with pytest.raises(EventNotBooked) as refused:
        charge_fee(**arguments, seen=1)  # type: ignore[arg-type]
    assert refused.value.reason is BookingRefusal.BOOKED_MEANWHILE
    assert LoanEvent.objects.count() == 2


def test_the_same_reference_on_two_loans_at_once_is_booked_on_one() -> None:
    """Red without hold_reference: the second would meet the constraint, and its caller a crash."""
    first, second = lent(), lent()
    with lock_timeout("25s"), ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda loan: outcome_of(partial(pay, loan, 500, ref="same")), (first, second)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EventNotBooked", "LoanEvent"]


def outcome_of(call: Callable[[], object]) -> object:
    try:
        return call()
    except EventNotBooked as refused:
        return refused
    finally:
        connection.close()


def test_what_comes_behind_a_proof_is_booked_on_the_next_day_and_a_failed_proof_locks_nothing() -> None:
    """Red if entries went by the last closed day, or into a day that is proven."""
    loan = lent()
    roll(OPENED + timedelta(days=2))
    event = pay(loan, 700, on=OPENED)
    assert Entry.objects.get(event=event).effective_date == OPENED + timedelta(days=2)
    forge(DayClose.objects.get(day=OPENED + timedelta(days=1)), state="BROKEN")
    event = pay(loan, 700, on=OPENED)
    assert Entry.objects.get(event=event).effective_date == OPENED + timedelta(days=1)


def test_how_late_a_loan_ever_was_follows_from_the_events_that_stand() -> None:
    """Red if what a late close still collects for the due date left the loan late for ever."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    open_day(on=OPENED + timedelta(days=9), actor=SYSTEM, now=NOW)
    pay(loan, 1, on=OPENED + timedelta(days=9))
    assert (stands(loan).dpd, stands(loan).worst_dpd) == (4, 4)
    pay(loan, 250_000, on=OPENED + timedelta(days=5))
    assert (stands(loan).dpd, stands(loan).worst_dpd) == (0, 0)


def test_a_payment_that_is_booked_ahead_of_the_close_hides_no_night() -> None:
    """Red if closes looked only at what they advance: whoever pays between roll and close would be on time."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=11))
    open_day(on=OPENED + timedelta(days=12), actor=SYSTEM, now=NOW)
    pay(loan, 2_000_000, on=OPENED + timedelta(days=12))
    loan.refresh_from_db()
    assert (loan.status, loan.worst_dpd) == (LoanStatus.CLOSED, 7)
    close()
    assert stands(loan).worst_dpd == 7


def test_a_proof_sees_what_is_wrong_with_any_part_of_a_row() -> None:
    """Red for every column that the proof forgets."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    assert drifted_loans([loan]) == []
    wrong: list[dict[str, object]] = [
        {"due_minor": 7},
        {"next_due": None},
        {"overdue_minor": 7},
        {"interest_numerator": 7},
        {"turns_on": None},
        {"late_since": OPENED},
        {"worst_dpd": 1},
        {"place": 7},
        {"denominator": 7},
        {"fits_to": 7},
        {"disbursed_on": OPENED - timedelta(days=1)},
    ]
    for change in wrong:
        good = {name: getattr(loan, name) for name in change}
        Loan.objects.filter(pk=loan.pk).update(**change)
        assert drifted_loans([Loan.objects.get(pk=loan.pk)]) == [loan.pk], change
        Loan.objects.filter(pk=loan.pk).update(**good)
    Instalment.objects.filter(loan=loan, no=1).update(left_minor=0)
    assert drifted_loans([loan]) == [loan.pk]
    Instalment.objects.filter(loan=loan, no=1).update(left_minor=F("principal_minor"))
    assert drifted_loans([loan]) == []
    Transfer.objects.filter(loan=loan).update(state="RETURNED")
    assert drifted_loans([loan]) == [loan.pk]


Call = Callable[[Loan], object]
REFUSED: dict[BookingRefusal | LoanRefusal, Call] = {
    BookingRefusal.IN_THE_FUTURE: lambda loan: pay(loan, 1, on=OPENED + timedelta(days=1)),
    BookingRefusal.BEFORE_THE_LOAN: lambda loan: pay(loan, 1, on=OPENED - timedelta(days=1)),
    BookingRefusal.TOO_FAR_BACK: lambda loan: pay(loan, 1, on=OPENED - timedelta(days=91)),
    BookingRefusal.REASON_MISSING: lambda loan: charge_fee(
        loan_id=loan.pk, amount_minor=1, on=OPENED, reason=" ", actor=CLERK, now=NOW
    ),
    BookingRefusal.REFERENCE_USED: lambda loan: pay(loan, 1, ref="known"),
    BookingRefusal.NOT_THIS_VERB: lambda loan: reverse_event(
        loan_id=loan.pk, seq=1, on=OPENED, reason="returned", actor=CLERK, now=NOW
    ),
    BookingRefusal.NOT_DISBURSED: lambda _loan: pay(make_loan(), 1),
    LoanRefusal.AMOUNT_NOT_POSITIVE: lambda loan: pay(loan, 0),
    BookingRefusal.AMOUNT_IMPLAUSIBLE: lambda loan: pay(loan, 10**16),
    LoanRefusal.BAD_EVENT: lambda loan: charge_fee(
        loan_id=loan.pk, amount_minor=10**16, on=OPENED, reason="late", actor=CLERK, now=NOW
    ),
    LoanRefusal.CREDIT_TOO_SMALL: lambda loan: apply_credit(
        loan_id=loan.pk, amount_minor=1, on=OPENED, reason="none", actor=CLERK, now=NOW
    ),
    LoanRefusal.ALREADY_REVERSED: lambda loan: reverse_event(
        loan_id=loan.pk, seq=3, on=OPENED, reason="again", actor=CLERK, now=NOW
    ),
    LoanRefusal.NOT_REVERSIBLE: lambda loan: reverse_event(
        loan_id=loan.pk, seq=4, on=OPENED, reason="undo", actor=CLERK, now=NOW
    ),
}


@pytest.mark.parametrize("reason", REFUSED, ids=str)
def test_what_is_refused_leaves_nothing(reason: BookingRefusal | LoanRefusal) -> None:
    loan = lent()
    pay(loan, 5, ref="known")
    pay(loan, 7)
    reverse_event(loan_id=loan.pk, seq=3, on=OPENED, reason="wrong", actor=CLERK, now=NOW)
    make_loan()
    before = everything()
    with pytest.raises(EventNotBooked) as refused:
        REFUSED[reason](loan)
    assert refused.value.reason is reason
    after = everything()
    if reason is BookingRefusal.NOT_DISBURSED:
        before[0] = after[0]  # the loan that the call made
    assert after == before


def test_the_same_request_twice_is_booked_once_and_another_body_refused() -> None:
    loan = lent()
    key = RequestKey(partner_id=loan.merchant.partner_id, key="k1", digest="a" * 64)
    first = pay(loan, 10_000, ref="p1", key=key)
    before = everything()
    assert pay(loan, 10_000, ref="p1", key=key) == first
    with pytest.raises(RequestNotTaken) as refused:
        pay(
            loan,
            20_000,
            ref="p2",
            key=RequestKey(partner_id=loan.merchant.partner_id, key="k1", digest="b" * 64),
        )
    assert refused.value.reason is KeyRefusal.OTHER_BODY
    assert everything() == before


def test_two_payments_at_once_are_both_booked() -> None:
    """Red without `.lock()` in `_book`: both would be the loan's second event."""
    loan = lent()
    calls = [partial(pay, loan, 100_000, ref=f"p{number}") for number in range(4)]
    outcomes = race(*calls, held=Loan.objects.all())
    assert [type(outcome) for outcome in outcomes] == [LoanEvent] * 4
    loan.refresh_from_db()
    assert loan.repaid_minor == 400_000
    assert sorted(LoanEvent.objects.values_list("seq", flat=True)) == [1, 2, 3, 4, 5]
    assert proven()


def test_a_payment_against_the_reversal_of_another() -> None:
    loan = lent()
    event = pay(loan, 300_000)
    undo = partial(reverse_event, loan_id=loan.pk, seq=event.seq, on=OPENED, reason="wrong", actor=SYSTEM, now=NOW)
    outcomes = race(partial(pay, loan, 200_000, ref="p1"), undo, undo, held=Loan.objects.all())
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["EventNotBooked", "LoanEvent", "LoanEvent"]
    loan.refresh_from_db()
    assert (loan.repaid_minor, loan.principal_minor) == (200_000, 1_000_000)
    assert proven()
