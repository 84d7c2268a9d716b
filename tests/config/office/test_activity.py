"""What people decided and what was sealed, by the weeks before a moment."""

from datetime import timedelta

import pytest

from config.db.transactions import operation
from config.office.activity import WEEKS, approvals_by_week, events_by_week
from config.office.actors import Actor, ActorKind
from config.office.approvals import Act, Approval, reject_request, request_approval, require_approval
from config.office.models import AuditSeal
from tests.conftest import CLERK, NOW

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = Actor(ActorKind.STAFF, 2)


def seal(*, weeks_ago: int, events: int) -> None:
    after = AuditSeal.objects.count() * 100
    AuditSeal.objects.create(
        after_event=after,
        last_event=after + 100,
        events=events,
        digest="0" * 64,
        sealed_at=NOW - timedelta(weeks=weeks_ago, days=1),
    )


def decide(number: int, *, weeks_ago: int, is_approved: bool) -> None:
    act, then = Act(operation="tests.pay", arguments={"number": number}), NOW - timedelta(weeks=weeks_ago, days=1)
    request = request_approval(act, verb="tests_pay", entered={}, actor=CLERK, now=then)
    if is_approved:
        with operation():
            require_approval(act, Approval(request.pk, OTHER), actor=CLERK, now=then)
    else:
        reject_request(request_id=request.pk, reason="not owed", actor=OTHER, now=then)


def test_nothing_is_known_before_the_first_seal() -> None:
    """Red if a new office showed weeks of none before anything could be counted."""
    assert events_by_week(NOW) == approvals_by_week(NOW) == [None] * (WEEKS - 1) + [0]
    seal(weeks_ago=2, events=5)
    seal(weeks_ago=0, events=2)
    seal(weeks_ago=0, events=1)
    assert events_by_week(NOW) == [None] * (WEEKS - 3) + [5, 0, 3]


def test_what_a_second_person_decided_counts_whichever_way() -> None:
    seal(weeks_ago=WEEKS, events=1)
    decide(1, weeks_ago=WEEKS, is_approved=True)
    decide(2, weeks_ago=2, is_approved=True)
    decide(3, weeks_ago=2, is_approved=False)
    decide(4, weeks_ago=0, is_approved=True)
    request_approval(Act(operation="tests.pay"), verb="tests_pay", entered={}, actor=CLERK, now=NOW)
    assert approvals_by_week(NOW) == [0] * (WEEKS - 3) + [2, 0, 1]
