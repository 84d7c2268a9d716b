"""A case goes to an agency once two people want it, with a file of all that is needed, and comes back."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.office.actors import Actor, ActorKind
from config.office.approvals import ApprovalRefusal, NotApproved
from config.office.models import OperationEvent
from lending.domain.arrears.case import LATEST_ACTION, Channel, ContactResult
from lending.domain.arrears.handover import HandoverRefusal
from lending.domain.arrears.letter import LetterState, Stop
from lending.domain.arrears.promise import PromiseRefusal, PromiseState
from lending.models import ArrearsCase, CaseHandover, Letter, PaymentPromise
from lending.operations.arrears import PromiseNotMoved, record_contact, record_promise
from lending.operations.handovers import (
    CaseNotHandedOver,
    hand_over_case,
    handover_act,
    read_handover,
    take_back_case,
)
from lending.operations.letters import send_letters
from lending.queries.arrears import debt_of
from tests.approvals import SECOND, approved
from tests.conftest import CLERK, NOW
from tests.lending.bookings import take_repayment
from tests.lending.letters import late_borrower
from tests.lending.loans import roll
from tests.mail import Sink, listening, mail_at

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
COLLECTOR = Actor(ActorKind.STAFF, 71)


def hand_over(
    case: ArrearsCase, *, agency: str = "Inkasso Nord", reason: str = "three broken promises"
) -> CaseHandover:
    act = handover_act(case, agency=agency, reason=reason)
    approval = approved(act, actor=COLLECTOR)
    hand_over_case(case_id=case.pk, agency=agency, reason=reason, actor=COLLECTOR, now=NOW, approval=approval)
    return CaseHandover.objects.latest("pk")


def test_the_file_says_all_that_an_agency_needs() -> None:
    loan, case = late_borrower()
    told = {"channel": Channel.CALL, "words": "his wife answered", "next_on": None, "actor": COLLECTOR, "now": NOW}
    record_contact(case_id=case.pk, result=ContactResult.REACHED, **told)  # type: ignore[arg-type]
    handover = hand_over(case)
    debt = debt_of(case.merchant_id)
    found = json.loads(handover.content)
    assert sha256(handover.content).hexdigest() == handover.sha256
    assert (found["format"], found["case"], found["agency"]) == ("tradeline-handover-1", str(case), "Inkasso Nord")
    assert found["borrower"]["contact_details"] == [{"kind": "EMAIL", "text": "owner@kiln.example", "language": "en"}]
    assert found["due"] == f"{debt.due_minor / 100:.2f}"
    assert found["owed"] == f"{debt.owed_minor / 100:.2f}"
    assert found["days_past_due"] == debt.dpd
    [owed] = found["loans"]
    assert owed["loan"] == str(loan)
    assert owed["due"] == found["due"]
    assert owed["principal"] == f"{debt.principal_minor / 100:.2f}"
    assert found["tried"] == [{"on": case.opened_on.isoformat(), "how": "CALL", "result": "REACHED"}]
    assert b"wife" not in handover.content, "what was said stays here"
    assert b"kiln" not in bytes(handover.sealed_content)


def test_it_takes_two_people() -> None:
    _, case = late_borrower()
    for by in (None, COLLECTOR):
        approval = None
        if by is not None:
            approval = approved(handover_act(case, agency="A", reason="r"), actor=COLLECTOR, by=by)
        with pytest.raises(NotApproved) as refused:
            hand_over_case(case_id=case.pk, agency="A", reason="r", actor=COLLECTOR, now=NOW, approval=approval)
        assert refused.value.reason in {ApprovalRefusal.MISSING, ApprovalRefusal.SAME_PERSON}
    assert not CaseHandover.objects.exists()
    assert hand_over(case).approved_by == str(SECOND)


def test_letters_and_promises_stop_while_an_agency_collects(monkeypatch: pytest.MonkeyPatch) -> None:
    _, case = late_borrower()
    due_on = case.opened_on + 9 * DAY
    record_promise(case_id=case.pk, amount_minor=100, due_on=due_on, actor=COLLECTOR, now=timezone.now())
    hand_over(case)
    assert PaymentPromise.objects.get().state == PromiseState.WITHDRAWN
    with pytest.raises(PromiseNotMoved) as refused:
        record_promise(case_id=case.pk, amount_minor=100, due_on=due_on, actor=COLLECTOR, now=timezone.now())
    assert refused.value.reason is PromiseRefusal.HANDED_OVER
    case.refresh_from_db()
    assert case.next_on == case.opened_on + LATEST_ACTION
    sink = Sink()
    with listening(sink) as port, mail_at(port, monkeypatch):
        send_letters(clock=timezone.now)
        assert (Letter.objects.get().state, Letter.objects.get().stop) == (LetterState.DROPPED, Stop.HANDED_OVER)
        roll(case.opened_on + DAY)
        send_letters(clock=timezone.now)
        assert sink.taken == []
        take_back_case(case_id=case.pk, reason="the contract ended", actor=COLLECTOR, now=timezone.now())
        roll(case.opened_on + 2 * DAY)
        send_letters(clock=timezone.now)
        assert len(sink.taken) == 1


def test_a_case_comes_back_and_goes_to_another() -> None:
    _, case = late_borrower()
    first = hand_over(case)
    with pytest.raises(CaseNotHandedOver) as refused:
        hand_over(case, agency="Inkasso Süd")
    assert refused.value.reason is HandoverRefusal.HANDED_OVER_ALREADY
    with pytest.raises(CaseNotHandedOver) as refused:
        take_back_case(case_id=case.pk, reason=" ", actor=COLLECTOR, now=NOW)
    assert refused.value.reason is HandoverRefusal.REASON_MISSING
    take_back_case(case_id=case.pk, reason="nothing in a month", actor=COLLECTOR, now=NOW)
    first.refresh_from_db()
    case.refresh_from_db()
    assert (first.ended_on, first.ended_by, case.next_on) == (case.opened_on, str(COLLECTOR), case.opened_on)
    with pytest.raises(CaseNotHandedOver) as refused:
        take_back_case(case_id=case.pk, reason="again", actor=COLLECTOR, now=NOW)
    assert refused.value.reason is HandoverRefusal.NOT_HANDED_OVER
    assert hand_over(case, agency="Inkasso Süd").ended_on is None


def test_what_is_paid_ends_the_hand_over_with_the_case() -> None:
    loan, case = late_borrower()
    handover = hand_over(case)
    loan.refresh_from_db()
    due = debt_of(case.merchant_id).due_minor
    take_repayment(loan_id=loan.pk, amount_minor=due, on=case.opened_on, reason="paid", actor=CLERK, now=timezone.now())
    roll(case.opened_on + DAY)
    handover.refresh_from_db()
    case.refresh_from_db()
    assert (case.state, handover.ended_by) == ("CLOSED", "system:0")
    with pytest.raises(CaseNotHandedOver) as refused:
        hand_over(case)
    assert refused.value.reason is HandoverRefusal.CASE_CLOSED


def test_whoever_reads_the_file_is_in_the_audit_trail() -> None:
    _, case = late_borrower()
    handover = hand_over(case)
    assert read_handover(handover_id=handover.pk, actor=COLLECTOR, now=NOW).content == handover.content
    event = OperationEvent.objects.latest("pk")
    assert (event.name, event.actor, event.after) == (
        "lending.read_handover",
        str(COLLECTOR),
        {"sha256": handover.sha256},
    )
    assert not any("kiln" in f"{one.before}{one.after}" for one in OperationEvent.objects.filter(name__endswith="over"))


def test_what_was_handed_over_stays_as_it_was() -> None:
    _, case = late_borrower()
    hand_over(case)
    for statement in (
        "UPDATE lending_casehandover SET agency = 'x'",
        "UPDATE lending_casehandover SET sha256 = repeat('a', 64)",
        "UPDATE lending_casehandover SET approved_by = 'staff:9'",
        "DELETE FROM lending_casehandover",
    ):
        with pytest.raises(Exception, match=r"denied|this stays"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
