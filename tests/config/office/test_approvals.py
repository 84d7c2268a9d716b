"""Four eyes: an act is done by one person and approved by another, once, and as it was asked for."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from config.db.transactions import operation
from config.office.actors import SYSTEM, Actor, ActorKind
from config.office.approvals import (
    LIFE,
    Act,
    Approval,
    ApprovalRefusal,
    NotApproved,
    judge_approval,
    reject_request,
    request_approval,
    require_approval,
    withdraw_request,
)
from config.office.models import ApprovalRequest, OperationEvent
from config.office.models.approval_request import RequestState
from tests.conftest import CLERK, NOW
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
OTHER, THIRD = Actor(ActorKind.STAFF, 2), Actor(ActorKind.STAFF, 3)
ACT = Act(operation="tests.pay", arguments={"amount_minor": 100, "reason": "agreed"})
FITTING = {
    "state": RequestState.OPEN,
    "expires_at": NOW + LIFE,
    "now": NOW,
    "requested_by": "staff:1",
    "actor": "staff:1",
    "approver": "staff:2",
    "same_act": True,
}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"state": RequestState.APPROVED}, ApprovalRefusal.NOT_OPEN),
        ({"state": RequestState.WITHDRAWN}, ApprovalRefusal.NOT_OPEN),
        ({"now": NOW + LIFE}, ApprovalRefusal.EXPIRED),
        ({"now": NOW + LIFE - timedelta(microseconds=1)}, None),
        ({"approver": "staff:1"}, ApprovalRefusal.SAME_PERSON),
        ({"actor": "staff:3"}, ApprovalRefusal.OTHER_PERSON),
        ({"same_act": False}, ApprovalRefusal.OTHER_ACT),
    ],
)
def test_what_forbids_an_approval(change: dict[str, object], refusal: ApprovalRefusal | None) -> None:
    assert judge_approval(**{**FITTING, **change}) is refusal  # type: ignore[arg-type]


def test_an_act_is_known_again_by_all_of_it() -> None:
    """Red if the operation, the row or an argument were left out of the digest."""
    others = [
        Act(operation="tests.refund", arguments=ACT.arguments),
        Act(operation="tests.pay", arguments={**ACT.arguments, "amount_minor": 101}),
        Act(operation="tests.pay", arguments={"amount_minor": 100}),
        Act(operation="tests.pay", subject=ApprovalRequest(pk=1), arguments=ACT.arguments),
        Act(operation="tests.pay", subject=ApprovalRequest(pk=2), arguments=ACT.arguments),
    ]
    assert len({act.digest for act in [ACT, *others]}) == 6
    assert ACT.digest == Act(operation="tests.pay", arguments={"reason": "agreed", "amount_minor": 100}).digest


def ask(act: Act = ACT, *, actor: Actor = CLERK) -> ApprovalRequest:
    return request_approval(act, verb="tests_pay", entered={"amount": "1.00"}, actor=actor, now=NOW)


def use(request: ApprovalRequest, *, by: Actor = OTHER, act: Act = ACT, actor: Actor = CLERK) -> None:
    with operation():
        require_approval(act, Approval(request.pk, by), actor=actor, now=NOW)


def test_an_approval_is_used_once_for_exactly_what_was_asked() -> None:
    request = ask()
    with pytest.raises(NotApproved, match="OTHER_ACT"):
        use(request, act=Act(operation="tests.pay", arguments={"amount_minor": 101, "reason": "agreed"}))
    with pytest.raises(NotApproved, match="SAME_PERSON"):
        use(request, by=CLERK)
    with pytest.raises(NotApproved, match="OTHER_PERSON"):
        use(request, actor=THIRD)
    use(request)
    with pytest.raises(NotApproved, match="NOT_OPEN"):
        use(request)
    event = OperationEvent.objects.get(name="office.approve_request")
    assert (event.actor, event.after["verb"]) == (str(OTHER), "tests_pay")


def test_staff_alone_needs_a_second_person() -> None:
    with operation():
        require_approval(ACT, None, actor=SYSTEM, now=NOW)
    with pytest.raises(NotApproved, match="MISSING"), operation():
        require_approval(ACT, None, actor=CLERK, now=NOW)


def test_what_failed_afterwards_was_not_approved() -> None:
    """Red if the approval were used outside the transaction that does the act."""
    request = ask()
    with suppress(RuntimeError), operation():
        require_approval(ACT, Approval(request.pk, OTHER), actor=CLERK, now=NOW)
        raise RuntimeError
    use(request)


def test_the_same_is_not_asked_for_twice_while_it_waits() -> None:
    first = ask()
    for actor in (CLERK, OTHER):
        with pytest.raises(NotApproved, match="ALREADY_REQUESTED"):
            ask(actor=actor)
    again = request_approval(ACT, verb="tests_pay", entered={}, actor=OTHER, now=NOW + LIFE)
    first.refresh_from_db()
    assert (first.state, first.decided_by) == (RequestState.WITHDRAWN, str(CLERK))
    assert again.state == RequestState.OPEN


def test_only_another_rejects_and_only_the_asker_withdraws() -> None:
    request = ask()
    with pytest.raises(NotApproved, match="SAME_PERSON"):
        reject_request(request_id=request.pk, reason="no", actor=CLERK, now=NOW)
    with pytest.raises(NotApproved, match="REASON_MISSING"):
        reject_request(request_id=request.pk, reason=" ", actor=OTHER, now=NOW)
    with pytest.raises(NotApproved, match="OTHER_PERSON"):
        withdraw_request(request_id=request.pk, actor=OTHER, now=NOW)
    reject_request(request_id=request.pk, reason="not owed", actor=OTHER, now=NOW)
    for closed in (
        partial(withdraw_request, request_id=request.pk, actor=CLERK, now=NOW),
        partial(reject_request, request_id=request.pk, reason="again", actor=OTHER, now=NOW),
        partial(use, request),
    ):
        with pytest.raises(NotApproved, match="NOT_OPEN"):
            closed()


DECISIONS: dict[str, Callable[[ApprovalRequest, Act], object]] = {
    "approved by one": lambda request, act: use(request, by=OTHER, act=act),
    "approved by another": lambda request, act: use(request, by=THIRD, act=act),
    "withdrawn": lambda request, _act: withdraw_request(request_id=request.pk, actor=CLERK, now=NOW),
    "rejected": lambda request, _act: reject_request(request_id=request.pk, reason="no", actor=OTHER, now=NOW),
}


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(DECISIONS, 2)))
def test_of_two_decisions_at_once_one_stands(one: str, other: str) -> None:
    """Red if a decision did not hold the request: it would be used twice, or used and withdrawn."""
    request = ask()
    calls = [partial(DECISIONS[name], request, ACT) for name in (one, other)]
    outcomes = race(*calls, held=ApprovalRequest.objects.filter(pk=request.pk))
    [refused] = [outcome for outcome in outcomes if isinstance(outcome, NotApproved)]
    assert refused.reason is ApprovalRefusal.NOT_OPEN
    assert OperationEvent.objects.exclude(name="office.request_approval").count() == 1


def test_the_database_refuses_what_a_forger_would_write() -> None:
    request = ask()
    rows = ApprovalRequest.objects.filter(pk=request.pk)
    for name in (CLERK, OTHER):
        with pytest.raises(IntegrityError, match="the application did not sign it"), transaction.atomic():
            rows.update(state="APPROVED", decided_by=str(name), decided_at=NOW)
    with connection.cursor() as cursor:
        for column in ("digest", "entered", "requested_by", "expires_at", "verb", "subject"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                cursor.execute(f"UPDATE office_approvalrequest SET {column} = {column}")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("DELETE FROM office_approvalrequest")
    use(request)
    with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
        rows.update(state="OPEN", decided_by=None, decided_at=None)
