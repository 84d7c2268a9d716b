"""Take applications under offers, and decide those that the rules left to a person."""

from datetime import datetime
from functools import partial

from config.db.locking import lock_rows
from config.db.planning import plan_once
from config.db.transactions import operation, require_one
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.origination.application import STATE_AFTER, ApplicationRefusal
from lending.domain.origination.offer import AcceptanceRefusal, OfferState, SignedTerms, judge_acceptance
from lending.domain.origination.product import Band, Months
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome
from lending.models import Application, Line, Offer
from lending.operations.approvals import (
    Approved,
    Request,
    carry_out,
    decide_request,
    judge,
    judge_request,
    keep_decision,
    lock_exposure,
    rescore,
)
from lending.queries.applications import get_application, get_review_refusal, rules_of
from lending.queries.line_usage import facts_of_line
from lending.queries.offers import OfferFacts, get_offer, get_offer_facts, offered_of
from lending.queries.products import product_of
from merchants.domain.idempotency import RequestKey
from merchants.operations.idempotency import hold_reference, keep_request, recall_request, take_request
from merchants.queries.payout_accounts import verified_account_of
from scoring.domain.calibration import Grade
from scoring.queries.replay import get_score


class OfferNotAccepted(Refused[AcceptanceRefusal | ApplicationRefusal]):
    """No application was made."""


class ApplicationNotReviewed(Refused[ReviewRefusal | Ground]):
    """The application is unchanged: the person may not decide it, or the rules decline it by now."""


def accept_offer(
    *,
    offer_id: int,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms,
    external_ref: str,
    actor: Actor,
    now: datetime,
    key: RequestKey | None = None,
) -> Application:
    """Apply for an amount under an offer, and decide at once; if approved, its payout is queued, or its line open.

    Raises OfferNotAccepted, RequestNotTaken, MerchantNotScored, Contended, Offer.DoesNotExist.
    """
    done = None if key is None else recall_request(key)
    if done is not None:  # sent again: not scored again
        return Application.objects.get(pk=done)
    offer = get_offer(offer_id=offer_id)
    ask = partial(get_offer_facts, external_ref=external_ref)
    refuse = partial(_refuse, amount_minor=amount_minor, months=months, evidence=evidence, actor=actor)
    asked = ask(offer)
    refusal = refuse(offer, asked, asked.feature_set)
    if refusal is not None:  # checked again under the lock; here, so that what is hopeless is not scored first
        raise OfferNotAccepted(refusal)
    score = rescore(offer.merchant_id, actor=actor, now=now)
    with operation():
        plan_once()
        done = None if key is None else take_request(key)
        if done is not None:
            return Application.objects.get(pk=done)
        product = product_of(offer.product)
        lock_exposure(offer.merchant, product)
        hold_reference(partner_id=offer.merchant.partner_id, reference=external_ref)
        lock_rows(Offer, [offer_id])
        offer = get_offer(offer_id=offer_id)
        asked = ask(offer)
        refusal = refuse(offer, asked, score.run.feature_set)
        if refusal is not None or asked.on is None or asked.payout_account is None:
            raise OfferNotAccepted(refusal or ApplicationRefusal.NO_BUSINESS_DATE)
        request = Request(
            offer=offer,
            line=None,
            amount_minor=amount_minor,
            months=months,
            evidence=evidence,
            external_ref=external_ref,
            actor=actor,
            now=now,
        )
        application, ground = decide_request(
            request, score, offer.product, on=asked.on, payout_account=asked.payout_account
        )
        open_offer = Offer.objects.open().filter(pk=offer.pk)
        require_one(open_offer.update(state=OfferState.ACCEPTED, closed_at=now))
        record_event(
            name="lending.accept_offer",
            subject=application,
            actor=actor,
            before={"offer": offer.pk},
            after={"state": application.state, "ground": str(ground or "")},
            now=now,
            amount=Money(application.amount_minor, application.currency),
        )
        if key is not None:
            keep_request(key, result=application.pk, now=now)
        return application


def review_application(
    *, application_id: int, outcome: Outcome, reason: str, band: Band | None, actor: Actor, now: datetime
) -> Application:
    """Approve or decline, as a person, an application that the rules referred.

    `band` is the widest authority of the person's roles. Nobody approves what the rules that referred it decline by
    now. Raises ApplicationNotReviewed, Contended, Application.DoesNotExist.
    """
    with operation():
        unlocked = get_application(application_id=application_id)
        product = product_of(unlocked.product)
        lock_exposure(unlocked.merchant, product)
        Application.objects.filter(pk=application_id).lock().get()
        if unlocked.line_id is not None:
            lock_rows(Line, [unlocked.line_id])
        application = get_application(application_id=application_id)
        today = get_business_date() or application.applied_on
        account = verified_account_of(merchant_id=application.merchant_id)
        refusal = get_review_refusal(application, outcome=outcome, band=band, actor=actor, reason=reason)
        rules = rules_of(application)
        if refusal is not None or rules is None:
            raise ApplicationNotReviewed(refusal or ReviewRefusal.VERSION_GONE)
        facts, verdict = judge(
            get_score(merchant_id=application.merchant_id, score_id=application.score_id),
            product,
            rules,
            on=today,
            amount_minor=application.amount_minor,
            months=application.months,
            offered=Grade(application.offer.grade),
            line=None if application.line is None else facts_of_line(application.line),
        )
        if outcome is Outcome.APPROVE and verdict.outcome is Outcome.DECLINE and verdict.ground is not None:
            raise ApplicationNotReviewed(verdict.ground)
        referred = Application.objects.referred().filter(pk=application_id)
        require_one(referred.update(state=STATE_AFTER[outcome], decided_at=now))
        keep_decision(application, facts, verdict, outcome=outcome, actor=actor, reason=reason.strip(), now=now)
        if outcome is Outcome.APPROVE and account is not None:
            carry_out(
                Approved(
                    application=application,
                    payout_account=account.pk,
                    on=today,
                    actor=actor,
                    now=now,
                )
            )
        record_event(
            name="lending.review_application",
            subject=application,
            actor=actor,
            before={"state": application.state},
            after={"state": STATE_AFTER[outcome]},
            now=now,
            amount=Money(application.amount_minor, application.currency),
        )
        return Application.objects.get(pk=application_id)


def _refuse(
    offer: Offer,
    asked: OfferFacts,
    feature_set: str | None,
    *,
    amount_minor: int,
    months: Months,
    evidence: SignedTerms,
    actor: Actor,
) -> AcceptanceRefusal | ApplicationRefusal | None:
    """Decide from what is stored whether the offer may be accepted, on a score by this feature set."""
    refusal = judge_request(asked, feature_set)
    if refusal is not None or asked.on is None:
        return refusal
    return judge_acceptance(
        offered_of(offer),
        on=asked.on,
        amount_minor=amount_minor,
        months=months,
        evidence=evidence,
        payout_account_verified=asked.payout_account is not None,
        is_verifier=str(actor) in (asked.verifiers or ()),
        has_line=asked.has_line,
    )
