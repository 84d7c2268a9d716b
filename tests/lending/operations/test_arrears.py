"""Cases follow how borrowers stand: opened by night, worked on by day, closed once nothing is late."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.office.actors import Actor, ActorKind
from config.office.models import OperationEvent
from lending.domain.arrears.case import OPENED_FROM, CaseRefusal, CaseState, Channel, ContactResult, Debt
from lending.domain.arrears.promise import AWAITED_FOR, PromiseRefusal, PromiseState
from lending.domain.contract.events import EventType
from lending.models import ArrearsCase, CaseContact, Loan, LoanEvent, PaymentPromise
from lending.operations.arrears import (
    CaseNotMoved,
    PromiseNotMoved,
    close_case,
    record_contact,
    record_promise,
    review_cases,
    take_case,
    withdraw_promise,
)
from lending.queries.arrears import debts_of
from lending.queries.closes import closed_to
from lending.queries.loans import standing_of
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
DUE = OPENED + 5 * DAY
COLLECTOR = Actor(ActorKind.STAFF, 71)
OTHER = Actor(ActorKind.STAFF, 72)


def late() -> tuple[Loan, ArrearsCase]:
    """Lend, pay nothing, and go on until there is a case."""
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(DUE + OPENED_FROM * DAY)
    return loan, ArrearsCase.objects.get()


def pay(loan: Loan, minor: int, *, on: date) -> LoanEvent:
    return take_repayment(
        loan_id=loan.pk, amount_minor=minor, on=on, reason="at the counter", actor=CLERK, now=timezone.now()
    )


def promise(case: ArrearsCase, minor: int, *, on: date) -> PaymentPromise:
    record_promise(case_id=case.pk, amount_minor=minor, due_on=on, actor=COLLECTOR, now=timezone.now())
    return PaymentPromise.objects.latest("pk")


def owed(case: ArrearsCase) -> int:
    return debts_of([case.merchant_id], on=closed_to())[case.merchant_id].owed_minor


def test_a_case_is_opened_on_its_day_and_closed_by_the_night_after_the_money() -> None:
    loan = lent(terms=EVERY_FIVE_DAYS)
    roll(DUE + (OPENED_FROM - 1) * DAY)
    assert not ArrearsCase.objects.exists()
    roll(DUE + OPENED_FROM * DAY)
    case = ArrearsCase.objects.get()
    loan.refresh_from_db()
    assert (case.merchant_id, case.late_since, case.next_on, case.owner) == (loan.merchant_id, DUE, case.opened_on, "")
    assert case.principal_minor == loan.principal_minor > 0
    pay(loan, loan.due_minor, on=case.opened_on)
    roll(DUE + (OPENED_FROM + 1) * DAY)
    case.refresh_from_db()
    assert (case.state, case.closed_by, case.late_since) == (CaseState.CLOSED, "system:0", None)
    assert [event.name for event in OperationEvent.objects.filter(subject=f"lending.arrearscase:{case.pk}")] == [
        "lending.open_case",
        "lending.close_case",
    ]


def test_a_night_done_twice_changes_nothing() -> None:
    _, case = late()
    before = [list(kind.objects.values()) for kind in (ArrearsCase, PaymentPromise)]
    events = OperationEvent.objects.count()
    with transaction.atomic():
        review_cases(on=case.opened_on, now=NOW)
    assert [list(kind.objects.values()) for kind in (ArrearsCase, PaymentPromise)] == before
    assert OperationEvent.objects.count() == events


def test_a_night_reviews_as_many_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if each had a parameter of its own: PostgreSQL takes 65,535, and the close of the day would stop."""
    _, case = late()
    made = promise(case, 100, on=case.opened_on)
    many = [*range(10**6, 10**6 + 70_000), case.merchant_id, made.pk]
    for name in ("borrowers_to_review", "promises_to_judge"):
        monkeypatch.setattr(f"lending.operations.arrears.{name}", lambda *, on: many)  # noqa: ARG005
    roll(case.opened_on + DAY)
    assert ArrearsCase.objects.get().state == CaseState.OPEN


def test_one_case_for_all_loans_of_a_borrower() -> None:
    first = lent(terms=EVERY_FIVE_DAYS)
    second = lent(terms=EVERY_FIVE_DAYS, merchant=first.merchant)
    roll(DUE + OPENED_FROM * DAY)
    case = ArrearsCase.objects.get()
    lent_out = Loan.objects.filter(pk__in=[first.pk, second.pk]).values_list("principal_minor", flat=True)
    assert case.principal_minor == sum(lent_out)


def test_what_a_borrower_owes_in_sql_is_what_its_loans_say() -> None:
    """Red if a case and the pages of its loans showed two sums: after the last due date, with a fee, written off."""
    loans = [lent(terms=EVERY_FIVE_DAYS)]
    loans += [lent(terms=terms, merchant=loans[0].merchant) for terms in (EVERY_FIVE_DAYS, None, EVERY_FIVE_DAYS)]
    book(EventType.CHARGE, loan_id=loans[2].pk, amount_minor=700)
    roll(DUE + 9 * DAY)
    book(EventType.WRITE_OFF, loan_id=loans[3].pk, on=DUE + 9 * DAY)
    pay(loans[3], 900_000, on=DUE + 9 * DAY)
    for to in (DUE + 10 * DAY, DUE + 60 * DAY):
        roll(to)
        found = debts_of([loans[0].merchant_id], on=to)[loans[0].merchant_id]
        stand = {loan.pk: standing_of(loan, on=to) for loan in Loan.objects.order_by("pk")}
        running = [stand[loan.pk] for loan in loans[:3]]
        assert found == Debt(
            late_since=DUE,
            dpd=max(one.dpd for one in running),
            due_minor=sum(one.due_minor for one in running),
            claim_minor=stand[loans[3].pk].due_minor,
            owed_minor=sum(one.position.owed_minor for one in stand.values()),
            principal_minor=sum(
                one.position.principal_minor
                + min(
                    one.position.principal_written_off_minor,
                    one.position.lost_minor - one.position.recovered_minor,
                )
                for one in stand.values()
            ),
        )
        assert found.claim_minor > 0


def test_a_collector_takes_a_case_and_another_takes_it_over() -> None:
    _, case = late()
    assert take_case(case_id=case.pk, actor=COLLECTOR, now=NOW).owner == str(COLLECTOR)
    with pytest.raises(CaseNotMoved) as refused:
        take_case(case_id=case.pk, actor=COLLECTOR, now=NOW)
    assert refused.value.reason is CaseRefusal.YOURS_ALREADY
    assert take_case(case_id=case.pk, actor=OTHER, now=NOW).owner == str(OTHER)


def test_a_contact_says_when_somebody_looks_again() -> None:
    _, case = late()
    told: dict[str, Any] = {"channel": Channel.CALL, "words": "rings, nobody there", "actor": COLLECTOR, "now": NOW}
    record_contact(case_id=case.pk, result=ContactResult.NO_ANSWER, next_on=None, **told)
    case.refresh_from_db()
    assert case.next_on == case.opened_on + DAY
    note = record_contact(case_id=case.pk, result=ContactResult.NOTE, next_on=None, **told)
    assert note.next_on == case.next_on
    assert list(CaseContact.objects.order_by("pk").values_list("channel", "result")) == [
        ("CALL", "NO_ANSWER"),
        ("NONE", "NOTE"),
    ]
    events = OperationEvent.objects.filter(name="lending.record_contact")
    assert not any("rings" in str(event.after) for event in events), "what was said is not in the trail"


def test_a_promise_is_kept_as_soon_as_the_money_is_there() -> None:
    loan, case = late()
    made = promise(case, 5_000, on=case.opened_on + 3 * DAY)
    case.refresh_from_db()
    assert case.next_on == made.due_on + AWAITED_FOR + DAY
    pay(loan, 2_000, on=case.opened_on)
    pay(loan, 3_000, on=case.opened_on)
    roll(case.opened_on + DAY)
    made.refresh_from_db()
    case.refresh_from_db()
    assert (made.state, made.paid_minor) == (PromiseState.KEPT, 5_000)
    assert (case.state, case.next_on) == (CaseState.OPEN, case.opened_on + DAY), "the rest is still late"


@pytest.mark.parametrize(("paid", "state"), [(0, PromiseState.BROKEN), (4_999, PromiseState.PARTLY)])
def test_a_promise_that_was_not_kept_brings_its_case_back(paid: int, state: PromiseState) -> None:
    loan, case = late()
    made = promise(case, 5_000, on=case.opened_on + DAY)
    if paid:
        pay(loan, paid, on=case.opened_on)
    roll(made.due_on + AWAITED_FOR)
    made.refresh_from_db()
    assert made.state == PromiseState.OPEN
    roll(made.due_on + AWAITED_FOR + DAY)
    made.refresh_from_db()
    case.refresh_from_db()
    assert (made.state, made.paid_minor, case.next_on) == (state, paid, made.due_on + AWAITED_FOR + DAY)


def test_a_payment_that_is_reversed_breaks_the_promise_that_it_kept() -> None:
    """Red if a promise were judged once for all: a payment that bounces would leave the case with nobody."""
    loan, case = late()
    made = promise(case, 5_000, on=case.opened_on)
    event = pay(loan, 5_000, on=case.opened_on)
    roll(case.opened_on + 4 * DAY)
    made.refresh_from_db()
    assert made.state == PromiseState.KEPT
    reverse_event(
        loan_id=loan.pk, seq=event.seq, on=case.opened_on + 4 * DAY, reason="bounced", actor=CLERK, now=timezone.now()
    )
    roll(case.opened_on + 5 * DAY)
    made.refresh_from_db()
    assert (made.state, made.paid_minor) == (PromiseState.BROKEN, 0)


def test_a_promise_kept_early_is_never_open_beside_another() -> None:
    """Red if the bounce before its day opened it again: a case has one, and the close of the day would stop."""
    loan, case = late()
    first = promise(case, 5_000, on=case.opened_on + 9 * DAY)
    event = pay(loan, 5_000, on=case.opened_on)
    roll(case.opened_on + DAY)
    second = promise(case, 3_000, on=case.opened_on + 9 * DAY)
    reverse_event(
        loan_id=loan.pk, seq=event.seq, on=case.opened_on + DAY, reason="bounced", actor=CLERK, now=timezone.now()
    )
    roll(case.opened_on + 2 * DAY)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (PromiseState.BROKEN, PromiseState.OPEN)


@pytest.mark.parametrize(("days", "state"), [(2, PromiseState.KEPT), (3, PromiseState.BROKEN)])
def test_money_that_arrives_two_days_later_keeps_a_promise(days: int, state: PromiseState) -> None:
    loan, case = late()
    made = promise(case, 5_000, on=case.opened_on)
    roll(case.opened_on + days * DAY)
    pay(loan, 5_000, on=case.opened_on + days * DAY)
    roll(case.opened_on + 4 * DAY)
    made.refresh_from_db()
    assert made.state == state


def test_a_promise_ends_with_its_case() -> None:
    loan, case = late()
    made = promise(case, 100, on=case.opened_on + 9 * DAY)
    book(EventType.WRITE_OFF, loan_id=loan.pk, on=case.opened_on)
    close_case(case_id=case.pk, reason="sold to an agency", actor=COLLECTOR, now=NOW)
    made.refresh_from_db()
    case.refresh_from_db()
    assert (made.state, case.late_since, case.principal_minor) == (PromiseState.WITHDRAWN, None, 0)


def test_what_was_paid_before_the_promise_keeps_none() -> None:
    loan, case = late()
    pay(loan, 5_000, on=case.opened_on)
    made = promise(case, 5_000, on=case.opened_on)
    roll(made.due_on + AWAITED_FOR + DAY)
    made.refresh_from_db()
    assert (made.state, made.paid_minor) == (PromiseState.BROKEN, 0)


def test_a_promise_is_refused_with_a_reason_and_withdrawn_with_one() -> None:
    _, case = late()
    for minor, on, reason in [
        (owed(case) + 1, case.opened_on, PromiseRefusal.ABOVE_OWED),
        (100, case.opened_on - DAY, PromiseRefusal.IN_THE_PAST),
    ]:
        with pytest.raises(PromiseNotMoved) as refused:
            promise(case, minor, on=on)
        assert refused.value.reason is reason
    made = promise(case, 100, on=case.opened_on)
    with pytest.raises(PromiseNotMoved) as refused:
        promise(case, 100, on=case.opened_on)
    assert refused.value.reason is PromiseRefusal.OPEN_ALREADY
    withdraw_promise(case_id=case.pk, reason="of another shop", actor=COLLECTOR, now=NOW)
    made.refresh_from_db()
    case.refresh_from_db()
    assert (made.state, case.next_on) == (PromiseState.WITHDRAWN, case.opened_on)
    assert promise(case, 100, on=case.opened_on).state == PromiseState.OPEN


def test_a_promise_that_is_withdrawn_while_a_night_judges_stays_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    _, case = late()
    made = promise(case, 100, on=case.opened_on)
    withdraw_promise(case_id=case.pk, reason="of another shop", actor=COLLECTOR, now=NOW)
    monkeypatch.setattr("lending.operations.arrears.promises_to_judge", lambda *, on: [made.pk])  # noqa: ARG005
    roll(made.due_on + AWAITED_FOR + 2 * DAY)
    made.refresh_from_db()
    assert made.state == PromiseState.WITHDRAWN


def test_two_promises_at_once_leave_one() -> None:
    _, case = late()
    calls = [partial(promise, case, 100 + number, on=case.opened_on) for number in range(4)]
    results = race(*calls, held=ArrearsCase.objects.filter(pk=case.pk))
    assert PaymentPromise.objects.count() == 1
    refused = [one for one in results if isinstance(one, PromiseNotMoved)]
    assert [one.reason for one in refused] == [PromiseRefusal.OPEN_ALREADY] * 3


def test_a_written_off_loan_keeps_its_case_until_a_person_closes_it() -> None:
    loan, case = late()
    with pytest.raises(CaseNotMoved) as refused:
        close_case(case_id=case.pk, reason="sold to an agency", actor=COLLECTOR, now=NOW)
    assert refused.value.reason is CaseRefusal.STILL_LATE
    book(EventType.WRITE_OFF, loan_id=loan.pk, on=case.opened_on)
    roll(case.opened_on + DAY)
    case.refresh_from_db()
    assert (case.state, case.late_since) == (CaseState.OPEN, None)
    assert owed(case) > case.principal_minor > 0
    close_case(case_id=case.pk, reason="sold to an agency", actor=COLLECTOR, now=NOW)
    roll(case.opened_on + 2 * DAY)
    assert [(one.state, one.reason) for one in ArrearsCase.objects.all()] == [(CaseState.CLOSED, "sold to an agency")]


def test_what_was_recorded_stays_as_it_was() -> None:
    _, case = late()
    promise(case, 100, on=case.opened_on)
    record_contact(
        case_id=case.pk,
        channel=Channel.CALL,
        result=ContactResult.REACHED,
        words="",
        next_on=None,
        actor=COLLECTOR,
        now=NOW,
    )
    for statement in (
        "UPDATE lending_arrearscase SET opened_on = opened_on - 1",
        "UPDATE lending_paymentpromise SET amount_minor = 1",
        "UPDATE lending_paymentpromise SET due_on = due_on + 1",
        "UPDATE lending_casecontact SET words = 'x'",
        "DELETE FROM lending_casecontact",
        "DELETE FROM lending_paymentpromise",
        "DELETE FROM lending_arrearscase",
    ):
        with pytest.raises(Exception, match=r"denied|this stays"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
