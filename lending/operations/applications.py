"""Take applications, decide them, and create loans from those approved.

The merchant's repayment behaviour is recorded first, then it is scored afresh, each in a transaction of its own, so
that nobody waits for a batch's number while a merchant is measured. The decision is then made under the exposure's
lock.
"""

from datetime import date, datetime
from functools import partial

from config.db.locking import lock_name, lock_rows
from config.db.planning import plan_once
from config.db.rows import insert
from config.db.transactions import Contended, operation, require_one, require_transaction
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.terms import write_terms
from lending.domain.origination.application import STATE_AFTER, ApplicationRefusal, judge_application
from lending.domain.origination.decision import Decision as Verdict
from lending.domain.origination.decision import DecisionFacts, canonical_decision, decide
from lending.domain.origination.offer import AcceptanceRefusal, OfferState, SignedTerms, judge_acceptance
from lending.domain.origination.product import Band, Product, terms_of
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome, Rules, current_rules
from lending.domain.origination.snapshot import snapshot_of
from lending.models import Application, Decision, Loan, Offer
from lending.operations.bookings import move_exposure
from lending.operations.payouts import make_payout
from lending.queries.applications import get_application, get_review_refusal, rules_of
from lending.queries.behaviour import behaviours
from lending.queries.closes import last_closed_day
from lending.queries.facts import facts_of, is_outdated
from lending.queries.loans import share_of
from lending.queries.offers import OfferFacts, get_offer, get_offer_facts, offered_of
from lending.queries.owners import owners_of
from lending.queries.products import product_of
from merchants.domain.idempotency import RequestKey
from merchants.models import Merchant, Owner, PayoutAccount
from merchants.operations.idempotency import hold_reference, keep_request, recall_request, take_request
from scoring.domain.calibration import Grade
from scoring.models import Score
from scoring.operations.behaviour import record_behaviour
from scoring.operations.single import score_merchant
from scoring.queries.replay import get_score


class OfferNotAccepted(Refused[AcceptanceRefusal | ApplicationRefusal]):
    """No application was made."""


class ApplicationNotReviewed(Refused[ReviewRefusal | Ground]):
    """The application is unchanged: the person may not decide it, or the rules decline it by now."""


def accept_offer(
    *,
    offer_id: int,
    amount_minor: int,
    months: int,
    evidence: SignedTerms,
    external_ref: str,
    actor: Actor,
    now: datetime,
    key: RequestKey | None = None,
) -> Application:
    """Apply for an amount under an offer, and decide at once; if approved, the payout is queued for after the commit.

    Raises OfferNotAccepted, RequestNotTaken, MerchantNotScored, Contended, Offer.DoesNotExist.
    """
    done = None if key is None else recall_request(key)
    if done is not None:  # sent again: not scored again
        return Application.objects.get(pk=done)
    offer = get_offer(offer_id=offer_id)
    ask = partial(get_offer_facts, external_ref=external_ref)
    refuse = partial(_refuse, amount_minor=amount_minor, months=months, evidence=evidence)
    asked = ask(offer)
    refusal = refuse(offer, asked, asked.feature_set)
    if refusal is not None:  # checked again under the lock; here, so that what is hopeless is not scored first
        raise OfferNotAccepted(refusal)
    _record_repayment_behaviour(offer.merchant_id, now=now)
    score = score_merchant(merchant_id=offer.merchant_id, actor=actor, now=now)
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
        facts, verdict = _judge(score, product, current_rules(), on=asked.on, amount_minor=amount_minor, months=months)
        application = insert(
            Application(
                merchant=offer.merchant,
                partner_id=offer.merchant.partner_id,
                offer=offer,
                product=offer.product,
                score=score,
                state=STATE_AFTER[verdict.outcome],
                currency=offer.currency,
                amount_minor=amount_minor,
                months=months,
                external_ref=external_ref,
                signed_by=evidence.signatory,
                signed_at=evidence.signed_at,
                document_sha256=evidence.document_sha256,
                signed_from=evidence.address,
                applied_on=asked.on,
                entered_by=str(actor),
                entered_at=now,
                decided_at=None if verdict.outcome is Outcome.REFER else now,
            )
        )
        open_offer = Offer.objects.open().filter(pk=offer.pk)
        require_one(open_offer.update(state=OfferState.ACCEPTED, closed_at=now))
        _keep_decision(application, facts, verdict, actor=SYSTEM, reason="", now=now)
        if verdict.outcome is Outcome.APPROVE:
            _make_loan(application, asked.payout_account, product, now=now)
        record_event(
            name="lending.accept_offer",
            subject=application,
            actor=actor,
            before={"offer": offer.pk},
            after={"state": application.state, "ground": str(verdict.ground or "")},
            now=now,
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
        application = get_application(application_id=application_id)
        today = get_business_date() or application.applied_on
        account = PayoutAccount.objects.verified().filter(merchant=application.merchant_id).first()
        refusal = get_review_refusal(application, outcome=outcome, band=band, actor=actor, reason=reason)
        rules = rules_of(application)
        if refusal is not None or rules is None:
            raise ApplicationNotReviewed(refusal or ReviewRefusal.VERSION_GONE)
        facts, verdict = _judge(
            get_score(merchant_id=application.merchant_id, score_id=application.score_id),
            product,
            rules,
            on=today,
            amount_minor=application.amount_minor,
            months=application.months,
        )
        if outcome is Outcome.APPROVE and verdict.outcome is Outcome.DECLINE and verdict.ground is not None:
            raise ApplicationNotReviewed(verdict.ground)
        referred = Application.objects.referred().filter(pk=application_id)
        require_one(referred.update(state=STATE_AFTER[outcome], decided_at=now))
        _keep_decision(application, facts, verdict, outcome=outcome, actor=actor, reason=reason.strip(), now=now)
        if outcome is Outcome.APPROVE and account is not None:
            _make_loan(application, account.pk, product, now=now)
        record_event(
            name="lending.review_application",
            subject=application,
            actor=actor,
            before={"state": application.state},
            after={"state": STATE_AFTER[outcome]},
            now=now,
        )
        return Application.objects.get(pk=application_id)


def lock_exposure(merchant: Merchant, product: Product) -> None:
    """Lock what bounds a merchant's borrowing until the transaction ends: the groups of its owners, and itself.

    Rooms that all merchants of the product share are locked as well. Raises NoTransaction, Contended.
    """
    require_transaction()
    if product.limits.portfolio_room_minor is not None or product.limits.category_rooms_minor:
        lock_name("lending.product_room", product.code, product.currency)
    owners = owners_of([merchant.pk]).get(merchant.pk, set())
    lock_rows(Owner, owners)
    lock_rows(Merchant, [merchant.pk])
    if not owners_of([merchant.pk]).get(merchant.pk, set()) <= owners:
        raise Contended  # it changed hands meanwhile: another group must be locked


def _record_repayment_behaviour(merchant_id: int, *, now: datetime) -> None:
    """Report to scoring how the merchant stood at the end of the last closed day, if its close saw it otherwise.

    Only up to the last closed day: before a day's collections are in, every borrower looks late.
    """
    day = last_closed_day()
    if day is None:
        return
    with operation():
        record_behaviour(facts=behaviours(merchants=[merchant_id], day=day), on=day, now=now)


def _refuse(
    offer: Offer, asked: OfferFacts, feature_set: str | None, *, amount_minor: int, months: int, evidence: SignedTerms
) -> AcceptanceRefusal | ApplicationRefusal | None:
    """Decide from what is stored whether the offer may be accepted, on a score by this feature set."""
    refusal = judge_application(
        has_date=asked.on is not None,
        is_outdated=feature_set is not None and is_outdated(feature_set, current_rules()),
        is_feed_red=asked.feed_signal != "",
        is_reference_used=asked.is_reference_used,
    )
    if refusal is not None or asked.on is None:
        return refusal
    return judge_acceptance(
        offered_of(offer),
        on=asked.on,
        amount_minor=amount_minor,
        months=months,
        evidence=evidence,
        payout_account_verified=asked.payout_account is not None,
    )


def _judge(
    score: Score, product: Product, rules: Rules, *, on: date, amount_minor: int, months: int
) -> tuple[DecisionFacts, Verdict]:
    """Gather what is known now and apply the rules to a score with its pins; called under the exposure's lock."""
    facts = DecisionFacts(
        product_sha256=product.sha256,
        rules_version=rules.version,
        merchant=facts_of(scores=[score], on=on, product=product, rules=rules)[score.merchant_id],
        amount_minor=amount_minor,
        months=months,
    )
    return facts, decide(facts, product)


def _keep_decision(
    application: Application,
    facts: DecisionFacts,
    verdict: Verdict,
    *,
    outcome: Outcome | None = None,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    """Store the decision, the rules' unless a person's outcome is given, and everything it rests on."""
    snapshot, sha256 = snapshot_of(facts)
    insert(
        Decision(
            application=application,
            outcome=outcome or verdict.outcome,
            ground=verdict.ground or "",
            snapshot=snapshot,
            snapshot_sha256=sha256,
            result=canonical_decision(verdict)[0],
            actor=str(actor),
            reason=reason,
            booked_at=now,
        )
    )


def _make_loan(application: Application, payout_account: int, product: Product, *, now: datetime) -> None:
    """Create the loan at the price that was signed, and queue its payout."""
    terms = terms_of(
        product,
        grade=Grade(application.offer.grade),
        principal_minor=application.amount_minor,
        months=application.months,
    )
    loan = insert(
        Loan(
            application=application,
            merchant=application.merchant,
            product=application.product,
            payout_account_id=payout_account,
            status=LoanStatus.APPROVED,
            category=application.merchant.category,
            currency=application.currency,
            amount_minor=application.amount_minor,
            terms=write_terms(terms),
            approved_at=now,
        )
    )
    move_exposure((loan, None, share_of(loan)))
    make_payout(loan, now=now)
