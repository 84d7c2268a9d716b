"""Have what a test asks for approved by another person."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from config.office.approvals import LIFE, Act, Approval, sign_request
from config.office.models import ApprovalRequest
from tests.conftest import CLERK, NOW, make_user

SECOND = Actor(ActorKind.STAFF, 1_000_002)


def approve_open() -> None:
    """Approve in the office whatever waits, by somebody who may approve everything and asked for nothing."""
    client = Client()
    client.force_login(make_user(f"second-{uuid4()}", Role.CONTROLLER, Role.FINANCE, Role.CREDIT_ANALYST))
    for request in ApprovalRequest.objects.filter(state="OPEN"):
        address = reverse("admin:office_approvalrequest_approve", args=[request.pk])
        seen = client.get(address).context["step"].seen
        client.post(address, {"step": "confirm", "seen": seen, "sure": "1"})


def approved(
    act: Act | None, *, actor: Actor = CLERK, by: Actor = SECOND, now: datetime = NOW
) -> Approval | None:  # fmt: skip
    """Ask for an act, once however often it is tried, and return the approval; None where none is needed."""
    if act is None or actor.kind is not ActorKind.STAFF:
        return None
    request = ApprovalRequest.objects.filter(digest=act.digest, state="OPEN", requested_by=str(actor)).first()
    if request is None:
        request = make_request(verb="tests", digest=act.digest, requested_by=str(actor), requested_at=now)
    return Approval(request.pk, by)


def make_request(**columns: Any) -> ApprovalRequest:  # noqa: ANN401 - of any column
    """Make a request that the application signs."""
    request = ApprovalRequest(entered={}, expires_at=columns["requested_at"] + LIFE, **columns)
    sign_request(request)
    request.save(force_insert=True)
    return request
