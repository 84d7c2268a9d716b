"""Hand cases of arrears over to agencies outside, and take them back."""

from datetime import datetime

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import current_day
from config.office.events import record_event
from lending.domain.arrears.case import LATEST_ACTION, CaseState
from lending.domain.arrears.handover import HandoverRefusal, judge_handing_over, judge_taking_back
from lending.models import ArrearsCase, CaseHandover
from lending.models.handover import sealed_handover
from lending.operations.arrears import end_promises
from lending.queries.arrears import debt_of
from lending.queries.handovers import file_of, handover_of

HANDED_OVER = "The case was handed over."


class CaseNotHandedOver(Refused[HandoverRefusal]):
    """The case is neither handed over nor taken back."""


def handover_act(case: ArrearsCase, *, agency: str, reason: str) -> Act:
    """Return what a second person has to approve before a case is handed over."""
    arguments = {"agency": agency.strip(), "reason": reason.strip()}
    return Act(operation="lending.hand_over_case", subject=case, arguments=arguments)


def hand_over_case(
    *, case_id: int, agency: str, reason: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> ArrearsCase:
    """Hand a case over to an agency with a file of all that it needs: from now on nobody here writes to the borrower.

    Raises CaseNotHandedOver, NotApproved, Contended, KeyMissing, ArrearsCase.DoesNotExist.
    """
    with operation():
        case, today = _locked(case_id), current_day(now)
        refusal = judge_handing_over(
            CaseState(case.state),
            is_handed_over=handover_of(case) is not None,
            debt=debt_of(case.merchant_id),
            agency=agency,
            reason=reason,
        )
        if refusal is not None:
            raise CaseNotHandedOver(refusal)
        require_approval(handover_act(case, agency=agency, reason=reason), approval, actor=actor, now=now)
        handover = CaseHandover.objects.create(
            case=case,
            agency=agency.strip(),
            on=today,
            handed_by=str(actor),
            approved_by="" if approval is None else str(approval.by),
            booked_at=now,
            **sealed_handover(file_of(case, agency=agency.strip(), on=today).encode()),
        )
        before, case.next_on = case.next_on, today + LATEST_ACTION
        case.save(update_fields=["next_on"])
        end_promises([case.pk], why=HANDED_OVER, actor=actor, now=now)
        record_event(
            name="lending.hand_over_case",
            subject=case,
            actor=actor,
            before={"next_on": before.isoformat()},
            after={
                "agency": handover.agency,
                "sha256": handover.sha256,
                "reason": reason.strip(),
                "next_on": case.next_on.isoformat(),
            },
            now=now,
        )
        return case


def take_back_case(*, case_id: int, reason: str, actor: Actor, now: datetime) -> ArrearsCase:
    """Take a case back from an agency. Raises CaseNotHandedOver, Contended, ArrearsCase.DoesNotExist."""
    with operation():
        case, today = _locked(case_id), current_day(now)
        handover = handover_of(case)
        refusal = judge_taking_back(is_handed_over=handover is not None, reason=reason)
        if handover is None or refusal is not None:
            raise CaseNotHandedOver(refusal or HandoverRefusal.NOT_HANDED_OVER)
        handover.ended_on, handover.ended_by, handover.reason = today, str(actor), reason.strip()
        handover.save(update_fields=["ended_on", "ended_by", "reason"])
        before, case.next_on = case.next_on, today
        case.save(update_fields=["next_on"])
        record_event(
            name="lending.take_back_case",
            subject=case,
            actor=actor,
            before={"agency": handover.agency, "next_on": before.isoformat()},
            after={"reason": handover.reason, "next_on": today.isoformat()},
            now=now,
        )
        return case


def read_handover(*, handover_id: int, actor: Actor, now: datetime) -> CaseHandover:
    """Return a hand-over whose file somebody reads, and record that: it says how the borrower is reached.

    Raises CaseHandover.DoesNotExist.
    """
    with operation():
        handover = CaseHandover.objects.select_related("case").get(pk=handover_id)
        after = {"sha256": handover.sha256}
        record_event(name="lending.read_handover", subject=handover.case, actor=actor, before={}, after=after, now=now)
        return handover


def _locked(case_id: int) -> ArrearsCase:
    ArrearsCase.objects.lock().get(pk=case_id)
    return ArrearsCase.objects.select_related("merchant__partner").get(pk=case_id)
