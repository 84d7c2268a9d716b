"""Four eyes: what one person asks for, another approves, and it is done in the transaction that uses the approval."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from django.db.models import Model

from config.db.locking import lock_name
from config.db.transactions import operation, require_one, require_transaction
from config.kernel.calendar import micros
from config.kernel.documents import written
from config.kernel.refusals import Refused, first_of
from config.office.actors import Actor, ActorKind
from config.office.events import record_event, subject_of
from config.office.models import ApprovalRequest
from config.office.models.approval_request import RequestState
from config.office.signatures import sign

LIFE: Final = timedelta(days=7)
"""Judgement: what nobody approved for so long is asked for again, on what is known by then."""


class ApprovalRefusal(StrEnum):
    """Why a request is not approved, or nothing is done without one; the first that applies counts."""

    MISSING = "MISSING"
    NOT_OPEN = "NOT_OPEN"
    EXPIRED = "EXPIRED"
    SAME_PERSON = "SAME_PERSON"
    OTHER_PERSON = "OTHER_PERSON"
    OTHER_ACT = "OTHER_ACT"
    ALREADY_REQUESTED = "ALREADY_REQUESTED"
    REASON_MISSING = "REASON_MISSING"


class NotApproved(Refused[ApprovalRefusal]):
    """A second person has not approved this, or cannot."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A request that a second person approves by doing what it asks for."""

    request: int
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What would be done: by which operation, to which row, with which arguments."""

    operation: str
    subject: Model | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the act as canonical JSON."""
        about = "" if self.subject is None else subject_of(self.subject)
        text = json.dumps([self.operation, about, written(self.arguments)], sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()


def judge_approval(
    *,
    state: RequestState,
    expires_at: datetime,
    now: datetime,
    requested_by: str,
    actor: str,
    approver: str,
    same_act: bool,
) -> ApprovalRefusal | None:
    """Decide whether a person may approve that another does what it asked for."""
    holds = {
        ApprovalRefusal.NOT_OPEN: state is not RequestState.OPEN,
        ApprovalRefusal.EXPIRED: now >= expires_at,
        ApprovalRefusal.SAME_PERSON: approver == requested_by,
        ApprovalRefusal.OTHER_PERSON: actor != requested_by,
        ApprovalRefusal.OTHER_ACT: not same_act,
    }
    return first_of(holds)


def require_approval(act: Act, approval: Approval | None, *, actor: Actor, now: datetime) -> None:
    """Use the approval of an act in the transaction that does it; nothing but staff needs one.

    Raises NotApproved, NoTransaction, ApprovalRequest.DoesNotExist.
    """
    require_transaction()
    if actor.kind is not ActorKind.STAFF:
        return
    if approval is None:
        raise NotApproved(ApprovalRefusal.MISSING)
    request = ApprovalRequest.objects.filter(pk=approval.request).lock().get()
    refusal = judge_approval(
        state=RequestState(request.state),
        expires_at=request.expires_at,
        now=now,
        requested_by=request.requested_by,
        actor=str(actor),
        approver=str(approval.by),
        same_act=request.digest == act.digest,
    )
    if refusal is not None:
        raise NotApproved(refusal)
    _decide(request, RequestState.APPROVED, actor=approval.by, now=now)


def request_approval(
    act: Act, *, verb: str, entered: Mapping[str, Any], actor: Actor, now: datetime
) -> ApprovalRequest:
    """Ask for a second person. Raises NotApproved (ALREADY_REQUESTED), Contended."""
    with operation():
        lock_name("office.request_approval", act.digest)
        same = ApprovalRequest.objects.filter(digest=act.digest, state=RequestState.OPEN).lock().first()
        if same is not None:
            if now < same.expires_at:
                raise NotApproved(ApprovalRefusal.ALREADY_REQUESTED)
            _close(same, RequestState.WITHDRAWN, by=same.requested_by, now=now)
            record_event(
                name="office.replace_expired_request",
                subject=same,
                actor=actor,
                before={"state": RequestState.OPEN},
                after={"state": RequestState.WITHDRAWN},
                now=now,
            )
        request = ApprovalRequest(
            verb=verb,
            subject="" if act.subject is None else subject_of(act.subject),
            entered=dict(entered),
            digest=act.digest,
            requested_by=str(actor),
            requested_at=now,
            expires_at=now + LIFE,
        )
        sign_request(request)
        request.save(force_insert=True)
        record_event(
            name="office.request_approval",
            subject=request,
            actor=actor,
            before={},
            after={"verb": verb, "about": request.subject},
            now=now,
        )
        return request


def reject_request(*, request_id: int, reason: str, actor: Actor, now: datetime) -> ApprovalRequest:
    """Reject what another person asked for. Raises NotApproved, Contended, ApprovalRequest.DoesNotExist."""
    with operation():
        request = ApprovalRequest.objects.filter(pk=request_id).lock().get()
        refusal = get_rejection_refusal(request, actor=actor, reason=reason)
        if refusal is not None:
            raise NotApproved(refusal)
        _decide(request, RequestState.REJECTED, actor=actor, now=now, reason=reason.strip())
        return request


def withdraw_request(*, request_id: int, actor: Actor, now: datetime) -> ApprovalRequest:
    """Withdraw what one asked for. Raises NotApproved, Contended, ApprovalRequest.DoesNotExist."""
    with operation():
        request = ApprovalRequest.objects.filter(pk=request_id).lock().get()
        refusal = get_withdrawal_refusal(request, actor=actor)
        if refusal is not None:
            raise NotApproved(refusal)
        _decide(request, RequestState.WITHDRAWN, actor=actor, now=now)
        return request


def get_approval_refusal(request: ApprovalRequest, *, approver: Actor, now: datetime) -> ApprovalRefusal | None:
    """Decide from what is stored whether a person may approve a request, if it still asks for the same."""
    return judge_approval(
        state=RequestState(request.state),
        expires_at=request.expires_at,
        now=now,
        requested_by=request.requested_by,
        actor=request.requested_by,
        approver=str(approver),
        same_act=True,
    )


def get_rejection_refusal(request: ApprovalRequest, *, actor: Actor, reason: str) -> ApprovalRefusal | None:
    """Decide whether a person may reject a request."""
    holds = {
        ApprovalRefusal.NOT_OPEN: request.state != RequestState.OPEN,
        ApprovalRefusal.SAME_PERSON: request.requested_by == str(actor),
        ApprovalRefusal.REASON_MISSING: not reason.strip(),
    }
    return first_of(holds)


def get_withdrawal_refusal(request: ApprovalRequest, *, actor: Actor) -> ApprovalRefusal | None:
    """Decide whether a person may withdraw a request."""
    holds = {
        ApprovalRefusal.NOT_OPEN: request.state != RequestState.OPEN,
        ApprovalRefusal.OTHER_PERSON: request.requested_by != str(actor),
    }
    return first_of(holds)


def _decide(request: ApprovalRequest, state: RequestState, *, actor: Actor, now: datetime, reason: str = "") -> None:
    _close(request, state, by=str(actor), now=now, reason=reason)
    record_event(
        name=f"office.{EVENTS[state]}",
        subject=request,
        actor=actor,
        before={"state": RequestState.OPEN},
        after={"state": state, "verb": request.verb, "about": request.subject, "reason": reason},
        now=now,
    )


EVENTS: Final = {
    RequestState.APPROVED: "approve_request",
    RequestState.REJECTED: "reject_request",
    RequestState.WITHDRAWN: "withdraw_request",
}


def _close(request: ApprovalRequest, state: RequestState, *, by: str, now: datetime, reason: str = "") -> None:
    decided = {"state": state, "decided_by": by, "decided_at": now, "reason": reason}
    for name, value in decided.items():
        setattr(request, name, value)
    sign_request(request)
    still_open = ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.OPEN)
    require_one(still_open.update(**decided, signature=request.signature))


def sign_request(request: ApprovalRequest) -> None:
    """Sign who asked for what, and who decided, as `office_require_signed_request` reads it."""
    request.signature = sign(
        request._meta.db_table,
        request.verb,
        request.subject,
        request.digest,
        request.requested_by,
        micros(request.requested_at),
        micros(request.expires_at),
        request.state,
        request.decided_by,
        None if request.decided_at is None else micros(request.decided_at),
        request.reason,
    )
