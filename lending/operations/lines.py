"""Draw on credit lines; freeze, unfreeze and close them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from config.db.locking import lock_rows
from config.db.planning import plan_once
from config.db.transactions import operation, require_one
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.origination.application import ApplicationRefusal
from lending.domain.origination.line import (
    DrawRefusal,
    LineEventType,
    LineRefusal,
    LineState,
    judge_close,
    judge_draw,
    judge_freeze,
    judge_unfreeze,
)
from lending.domain.origination.offer import SignedTerms
from lending.domain.origination.product import Months
from lending.models import Application, Line
from lending.operations.approvals import Request, decide_request, judge_request, lock_exposure, note_line, rescore
from lending.queries.lines import drawable_of, get_line, loans_under, waiting_draws
from lending.queries.offers import OfferFacts, get_facts_beside
from lending.queries.products import latest_version, product_of
from merchants.domain.idempotency import RequestKey
from merchants.operations.idempotency import hold_reference, keep_request, recall_request, take_request

MOVES: Final = {
    LineEventType.FROZEN: ("freeze", LineState.FROZEN),
    LineEventType.UNFROZEN: ("unfreeze", LineState.ACTIVE),
    LineEventType.CLOSED: ("close", LineState.CLOSED),
}
"""What the audit trail calls it, and the state after it."""


class NotDrawn(Refused[DrawRefusal | ApplicationRefusal]):
    """Nothing was drawn, and no application was made."""


class LineNotMoved(Refused[LineRefusal]):
    """The line is unchanged."""


def draw_on_line(
    *,
    line_id: int,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms,
    external_ref: str,
    actor: Actor,
    now: datetime,
    key: RequestKey | None = None,
) -> Application:
    """Apply for an amount under a line, and decide at once as an offer's acceptance; if approved, its payout is queued.

    months: None for an open-ended draw.
    Raises NotDrawn, RequestNotTaken, MerchantNotScored, Contended, Line.DoesNotExist.
    """
    done = None if key is None else recall_request(key)
    if done is not None:  # sent again: not scored again
        return Application.objects.get(pk=done)
    line = get_line(line_id=line_id)
    ask = partial(get_facts_beside, line.merchant, external_ref=external_ref, kind=line.product.kind)
    refuse = partial(_refuse, amount_minor=amount_minor, months=months, evidence=evidence, actor=actor)
    asked = ask()
    refusal = refuse(line, asked, asked.feature_set)
    if refusal is not None:  # checked again under the lock; here, so that what is hopeless is not scored first
        raise NotDrawn(refusal)
    score = rescore(line.merchant_id, actor=actor, now=now)
    with operation():
        plan_once()
        done = None if key is None else take_request(key)
        if done is not None:
            return Application.objects.get(pk=done)
        version = latest_version(line.product)
        lock_exposure(line.merchant, product_of(version))
        hold_reference(partner_id=line.merchant.partner_id, reference=external_ref)
        lock_rows(Line, [line_id])
        line, asked = get_line(line_id=line_id), ask()
        refusal = refuse(line, asked, score.run.feature_set)
        if refusal is not None or asked.on is None or asked.payout_account is None:
            raise NotDrawn(refusal or ApplicationRefusal.NO_BUSINESS_DATE)
        request = Request(
            offer=line.application.offer,
            line=line,
            amount_minor=amount_minor,
            months=months,
            evidence=evidence,
            external_ref=external_ref,
            actor=actor,
            now=now,
        )
        application, ground = decide_request(request, score, version, on=asked.on, payout_account=asked.payout_account)
        record_event(
            name="lending.draw_on_line",
            subject=application,
            actor=actor,
            before={"line": line.pk},
            after={"state": application.state, "ground": str(ground or "")},
            now=now,
            amount=Money(application.amount_minor, application.currency),
        )
        if key is not None:
            keep_request(key, result=application.pk, now=now)
        return application


def freeze_line(*, line_id: int, reason: str, actor: Actor, now: datetime) -> Line:
    """Let nothing more be drawn; what was drawn runs on. Raises LineNotMoved, Contended, Line.DoesNotExist."""

    def judged(line: Line) -> LineRefusal | None:
        return judge_freeze(LineState(line.state), frozen_for=line.frozen_for, reason=reason)

    return _move(line_id, judged, LineEventType.FROZEN, reason=reason, actor=actor, now=now)


def unfreeze_line(*, line_id: int, reason: str, actor: Actor, now: datetime) -> Line:
    """Let the line be drawn on again. Raises LineNotMoved, Contended, Line.DoesNotExist."""
    judged = partial(judge_unfreeze, reason=reason)
    return _move(
        line_id, lambda line: judged(LineState(line.state)), LineEventType.UNFROZEN, reason=reason, actor=actor, now=now
    )


def close_line(*, line_id: int, reason: str, actor: Actor, now: datetime) -> Line:
    """Close a line on which nothing is owed. Raises LineNotMoved, Contended, Line.DoesNotExist."""

    def judged(line: Line) -> LineRefusal | None:
        return judge_close(LineState(line.state), loans=loans_under(line), waiting=waiting_draws(line), reason=reason)

    return _move(line_id, judged, LineEventType.CLOSED, reason=reason, actor=actor, now=now)


def _move(
    line_id: int,
    judged: Callable[[Line], LineRefusal | None],
    kind: LineEventType,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Line:
    verb, to = MOVES[kind]
    with operation():
        line = Line.objects.filter(pk=line_id).lock().get()
        refusal = judged(line)
        if refusal is not None:
            raise LineNotMoved(refusal)
        closed_at = now if to is LineState.CLOSED else None
        moved = Line.objects.filter(pk=line_id, state=line.state)
        require_one(moved.update(state=to, frozen_for="", closed_at=closed_at))
        on = get_business_date() or line.opened_on
        note_line(line, kind, on=on, reason=reason.strip(), actor=actor, now=now)
        record_event(
            name=f"lending.{verb}_line",
            subject=line,
            actor=actor,
            before={"state": line.state},
            after={"state": to, "reason": reason.strip()},
            now=now,
        )
        return Line.objects.get(pk=line_id)


def _refuse(
    line: Line,
    asked: OfferFacts,
    feature_set: str | None,
    *,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms,
    actor: Actor,
) -> DrawRefusal | ApplicationRefusal | None:
    """Decide from what is stored whether the line may be drawn on, on a score by this feature set."""
    refusal = judge_request(asked, feature_set)
    return refusal or judge_draw(
        drawable_of(line),
        amount_minor=amount_minor,
        months=months,
        evidence=evidence,
        payout_account_verified=asked.payout_account is not None,
        is_verifier=str(actor) in (asked.verifiers or ()),
    )
