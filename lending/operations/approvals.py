"""What every application goes through: scored afresh, judged under the exposure's lock, decided, and carried out.

The merchant's repayment behaviour is recorded first, then it is scored afresh, each in a transaction of its own, so
that nobody waits for a batch's number while a merchant is measured. The decision is then made under the exposure's
lock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from config.db.locking import lock_name, lock_rows
from config.db.rows import insert
from config.db.transactions import Contended, operation, require_transaction
from config.office.actors import SYSTEM, Actor
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.terms import write_terms
from lending.domain.origination.application import STATE_AFTER, ApplicationRefusal, judge_application
from lending.domain.origination.calendars import sha256_of_calendar, within_calendar
from lending.domain.origination.decision import Decision as Verdict
from lending.domain.origination.decision import DecisionFacts, canonical_decision, decide
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.kinds.kind import Opening
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.line import LineEventType, LineState
from lending.domain.origination.offer import SignedTerms
from lending.domain.origination.product import Months, Product
from lending.domain.origination.rules import Ground, Outcome, Rules, current_rules
from lending.domain.origination.snapshot import snapshot_of
from lending.models import Application, Decision, Line, LineEvent, Loan, Offer, ProductVersion
from lending.operations.bookings import move_exposure
from lending.operations.payouts import make_payout
from lending.queries.behaviour import behaviours
from lending.queries.closes import last_closed_day
from lending.queries.facts import facts_of, is_outdated
from lending.queries.line_usage import facts_of_line
from lending.queries.loans import share_of
from lending.queries.offers import OfferFacts
from lending.queries.owners import owners_of
from lending.queries.products import product_of
from merchants.models import Merchant, Owner
from scoring.domain.calibration import Grade
from scoring.models import Score
from scoring.operations.behaviour import record_behaviour
from scoring.operations.single import score_merchant


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is applied for under an offer, or under the line that it opened, and the evidence that it was signed."""

    offer: Offer
    line: Line | None
    amount_minor: int
    months: Months
    evidence: SignedTerms
    external_ref: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An application that is approved, with what carrying it out takes; on: the business date."""

    application: Application
    payout_account: int
    on: date
    actor: Actor
    now: datetime


def judge_request(asked: OfferFacts, feature_set: str | None) -> ApplicationRefusal | None:
    """Decide whether an application can be taken at all, on a score by this feature set."""
    return judge_application(
        has_date=asked.on is not None,
        is_outdated=feature_set is not None and is_outdated(feature_set, current_rules()),
        is_feed_red=asked.feed_signal != "",
        is_reference_used=asked.is_reference_used,
    )


def rescore(merchant_id: int, *, actor: Actor, now: datetime) -> Score:
    """Score a merchant on what is known now. Raises MerchantNotScored, Contended."""
    _record_repayment_behaviour(merchant_id, now=now)
    return score_merchant(merchant_id=merchant_id, actor=actor, now=now)


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


def lock_exposures(merchants: Sequence[int]) -> None:
    """Lock the owners of many merchants, then themselves, in the order of `lock_exposure`. Raises NoTransaction."""
    require_transaction()
    lock_rows(Owner, {owner for owners in owners_of(merchants).values() for owner in owners})
    lock_rows(Merchant, merchants)


def decide_request(
    request: Request, score: Score, version: ProductVersion, *, on: date, payout_account: int
) -> tuple[Application, Ground | None]:
    """Store an application, decide it by today's rules and carry out what they approve; return it, and what counted.

    version: of the product by which it is judged. Called under the locks of what bounds it. Raises NoTransaction.
    """
    offer, evidence, now, product = request.offer, request.evidence, request.now, product_of(version)
    facts, verdict = judge(
        score,
        product,
        current_rules(),
        on=on,
        amount_minor=request.amount_minor,
        months=request.months,
        offered=Grade(offer.grade),
        line=None if request.line is None else facts_of_line(request.line),
    )
    application = insert(
        Application(
            merchant=offer.merchant,
            partner_id=offer.merchant.partner_id,
            offer=offer,
            line=request.line,
            product=version,
            score=score,
            state=STATE_AFTER[verdict.outcome],
            currency=offer.currency,
            amount_minor=request.amount_minor,
            months=request.months,
            external_ref=request.external_ref,
            signed_by=evidence.signatory,
            signed_at=evidence.signed_at,
            document_sha256=evidence.document_sha256,
            signed_from=evidence.address,
            applied_on=on,
            entered_by=str(request.actor),
            entered_at=now,
            decided_at=None if verdict.outcome is Outcome.REFER else now,
        )
    )
    keep_decision(application, facts, verdict, actor=SYSTEM, reason="", now=now)
    if verdict.outcome is Outcome.APPROVE:
        carry_out(
            Approved(
                application=application,
                payout_account=payout_account,
                on=on,
                actor=request.actor,
                now=now,
            )
        )
    return application, verdict.ground


def judge(
    score: Score,
    product: Product,
    rules: Rules,
    *,
    on: date,
    amount_minor: int,
    months: Months,
    offered: Grade,
    line: LineFacts | None = None,
    without: int | None = None,
) -> tuple[DecisionFacts, Verdict]:
    """Gather what is known now and apply the rules to a score with its pins; called under the exposure's lock.

    offered: the grade of the offer. line: that is drawn on; without one, the kind says by which term to judge.
    without: a loan that is judged again, and not counted beside itself.
    """
    if line is None:
        known, grade = within_calendar(product, on=on), offered if score.grade is None else Grade(score.grade)
        months = kind_of(product).judged(known, grade if grade in product.grades else offered, months)
    facts = DecisionFacts(
        product_sha256=product.sha256,
        rules_version=rules.version,
        merchant=facts_of(scores=[score], on=on, product=product, rules=rules, without=without)[score.merchant_id],
        amount_minor=amount_minor,
        months=months,
        line=line,
        calendar_sha256=sha256_of_calendar(product.calendar),
    )
    return facts, decide(facts, product)


def keep_decision(
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


def carry_out(approved: Approved) -> None:
    """Do what was approved: lend what is drawn on a line, else what the product's kind opens. Raises NoTransaction."""
    require_transaction()
    if approved.application.line is None:
        _OPENS[kind_of(product_of(approved.application.product)).opens](approved)
        return
    loan = _make_loan(approved)
    note_line(
        approved.application.line,
        LineEventType.DRAWN,
        amount_minor=loan.amount_minor,
        loan=loan,
        on=approved.on,
        actor=approved.actor,
        now=approved.now,
    )


def note_line(
    line: Line,
    kind: LineEventType,
    *,
    on: date,
    actor: Actor,
    now: datetime,
    amount_minor: int | None = None,
    loan: Loan | None = None,
    reason: str = "",
) -> None:
    """Append to the history of a line. Raises NoTransaction."""
    require_transaction()
    insert(
        LineEvent(
            line=line,
            type=kind,
            on=on,
            amount_minor=amount_minor,
            loan=loan,
            reason=reason,
            actor=str(actor),
            booked_at=now,
        )
    )


def _record_repayment_behaviour(merchant_id: int, *, now: datetime) -> None:
    """Report to scoring how the merchant stood at the end of the last closed day, if its close saw it otherwise.

    Only up to the last closed day: before a day's collections are in, every borrower looks late.
    """
    day = last_closed_day()
    if day is None:
        return
    with operation():
        record_behaviour(facts=behaviours(merchants=[merchant_id], day=day), on=day, now=now)


def _make_loan(approved: Approved) -> Loan:
    """Create the loan at the price that was signed, that of its line's product if it is drawn, and queue its payout."""
    application = approved.application
    version = application.product if application.line is None else application.line.product
    product = product_of(version)
    terms = kind_of(product).terms(
        product,
        grade=Grade(application.offer.grade),
        principal_minor=application.amount_minor,
        months=application.months,
    )
    loan = insert(
        Loan(
            application=application,
            merchant=application.merchant,
            product=version,
            line=application.line,
            payout_account_id=approved.payout_account,
            status=LoanStatus.APPROVED,
            category=application.merchant.category,
            currency=application.currency,
            amount_minor=application.amount_minor,
            terms=write_terms(terms),
            approved_at=approved.now,
        )
    )
    move_exposure((loan, None, share_of(loan)))
    make_payout(loan, now=approved.now)
    return loan


def _open_line(approved: Approved) -> Line:
    """Open the line at the price that was signed; no money moves."""
    application = approved.application
    line = insert(
        Line(
            merchant=application.merchant,
            application=application,
            product=application.product,
            state=LineState.ACTIVE,
            currency=application.currency,
            grade=application.offer.grade,
            daily_rate=application.offer.daily_rate,
            limit_minor=application.amount_minor,
            opened_on=approved.on,
            opened_at=approved.now,
        )
    )
    note_line(
        line,
        LineEventType.OPENED,
        amount_minor=line.limit_minor,
        on=approved.on,
        actor=approved.actor,
        now=approved.now,
    )
    return line


_OPENS: Final[Mapping[Opening, Callable[[Approved], object]]] = {Opening.LOAN: _make_loan, Opening.LINE: _open_line}
