"""Make offers for all merchants of a published run and review their lines; close offers declined or out of date."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from config.db.transactions import operation, require_one
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.business_date import current_day, get_business_date, lock_business_date
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, hold_claim
from config.office.stages import Pipeline, Stage
from lending.domain.origination.assessment import Assessment, assess
from lending.domain.origination.limit import most_by_months
from lending.domain.origination.offer import (
    MoveRefusal,
    OfferState,
    expires_on,
    judge_move,
    state_after_night,
    write_choices,
)
from lending.domain.origination.offer_round import RoundRefusal, judge_round
from lending.domain.origination.product import Product
from lending.domain.origination.rules import Rules, current_rules
from lending.models import GrantedLimit, Offer, OfferRound, ProductVersion
from lending.operations.approvals import lock_exposures
from lending.operations.line_reviews import review_part
from lending.queries.facts import facts_of, is_outdated
from lending.queries.lines import REVIEW, open_lines
from lending.queries.offers import assessed_after, get_offer
from lending.queries.owners import owners_of
from lending.queries.products import product_of, sold_products
from merchants.models import Merchant
from scoring.models import Score
from scoring.queries.scores import get_live_run

AT_ONCE: Final = 200
"""Merchants a transaction: whoever accepts an offer meanwhile waits only briefly."""


class RoundNotStarted(Refused[RoundRefusal]):
    """No round was started."""


class OfferNotMoved(Refused[MoveRefusal]):
    """The offer is unchanged."""


def start_round(*, actor: Actor, now: datetime) -> OfferRound:
    """Start making offers from the live run, once a run. Raises RoundNotStarted, Contended."""
    with operation():
        lock_business_date()  # of two that start at once, the second sees what the first did
        run, today = get_live_run(), get_business_date()
        refusal = judge_round(
            today=today,
            has_run=run is not None,
            is_outdated=run is not None and is_outdated(run.feature_set, current_rules()),
            has_product=ProductVersion.objects.exists(),
            done_before=run is not None and OfferRound.objects.filter(run=run).exists(),
        )
        if refusal is not None or run is None or today is None:
            raise RoundNotStarted(refusal or RoundRefusal.NOTHING_PUBLISHED)
        parts = OFFERS.parts_for(Merchant.objects.count())
        found = OfferRound.objects.create(run=run, on=today, parts=parts, started_by=str(actor), started_at=now)
        OFFERS.start(subject_id=found.pk, actor=actor, now=now)
        return found


def make_offers(*, claim: Claim, clock: Clock) -> None:
    """Assess the merchants of a part, move what they are granted, make and withdraw their offers. Raises StaleRow.

    Merchants of one owner share one limit, so each sees what the one before was offered.
    """
    found = OfferRound.objects.select_related("run").get(pk=claim.subject_id)
    versions = sold_products()
    done = after = 0
    rules = current_rules()
    while scores := assessed_after(found, part=claim.part, after=after, limit=AT_ONCE):
        if is_outdated(found.run.feature_set, rules):
            break  # new rules came during the round: the next round applies them
        with operation():
            hold_claim(claim=claim, done=done, total=done + len(scores), now=clock())
            lock_exposures([score.merchant_id for score in scores])
            if OfferRound.objects.filter(pk__gt=found.pk).exists():
                break  # a later round has begun: offers never go back to older scores
            for version in versions:
                _offer(scores, version, rules, on=found.on, now=clock())
        done, after = done + len(scores), scores[-1].merchant_id
    with operation():
        OFFERS.finish_part(claim=claim, done=done, now=clock())


def review_lines(*, claim: Claim, clock: Clock) -> None:
    """Review the open lines of a part of the merchants. Raises Contended, StaleRow."""
    found = OfferRound.objects.select_related("run").get(pk=claim.subject_id)
    done = review_part(found, claim=claim, clock=clock)
    with operation():
        OFFERS.finish_part(claim=claim, done=done, now=clock())


OFFERS: Final = Pipeline(
    subject=OfferRound,
    rows_a_part=10_000,
    stages=(
        Stage(name="lending.make_offers", work=make_offers, words=_("Make the offers"), counts=_("merchants")),
        Stage(name=REVIEW, work=review_lines, words=_("Review the credit lines"), counts=_("lines")),
    ),
)


def decline_offer(*, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Record that the merchant declines the offer. Raises OfferNotMoved, Contended, Offer.DoesNotExist."""
    return _move(offer_id, OfferState.DECLINED, actor=actor, now=now)


def deliver_offer(*, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Record that the merchant has seen the offer. Raises OfferNotMoved, Contended, Offer.DoesNotExist."""
    return _move(offer_id, OfferState.DELIVERED, actor=actor, now=now)


def expire_offers(*, on: date, now: datetime) -> int:
    """Close the offers that can no longer be accepted on a business date; return how many. Raises Contended."""
    with operation():
        old = Offer.objects.open().filter(expires_on__lte=on)
        locked = [offer.pk for offer in old.lock()]
        return old.filter(pk__in=locked).update(state=OfferState.EXPIRED, closed_at=now)


def _move(offer_id: int, to: OfferState, *, actor: Actor, now: datetime) -> Offer:
    with operation():
        Offer.objects.filter(pk=offer_id).lock().get()
        offer = get_offer(offer_id=offer_id)
        refusal = judge_move(OfferState(offer.state), to)
        if refusal is not None:
            raise OfferNotMoved(refusal)
        moved: dict[str, object] = {"closed_at": now}
        if to is OfferState.DELIVERED:
            moved = {"delivered_on": current_day(now)}
        require_one(Offer.objects.filter(pk=offer_id, state=offer.state).update(state=to, **moved))
        record_event(
            name=f"lending.{to.lower()}_offer",
            subject=offer,
            actor=actor,
            before={"state": offer.state},
            after={"state": to},
            now=now,
        )
        return get_offer(offer_id=offer_id)


def _offer(scores: Sequence[Score], version: ProductVersion, rules: Rules, *, on: date, now: datetime) -> None:
    """Assess the merchants of the product's currency: those who share an owner one by one, the others together."""
    product = product_of(version)
    ours = [score for score in scores if score.merchant.currency == version.currency]
    owned = owners_of(score.merchant_id for score in ours)
    shared = [score for score in ours if score.merchant_id in owned]
    alone = [score for score in ours if score.merchant_id not in owned]
    for group in (alone, *([score] for score in shared)):
        facts = facts_of(scores=group, on=on, product=product, rules=rules)
        assessed = [(score, assess(facts[score.merchant_id], product, rules.no_offer)) for score in group]
        _write_granted(assessed, version)
        _write_offers(assessed, version, product, on=on, now=now)


def _write_granted(assessed: Iterable[tuple[Score, Assessment]], version: ProductVersion) -> None:
    GrantedLimit.objects.bulk_create(
        [
            GrantedLimit(merchant_id=score.merchant_id, kind=version.kind, **asdict(assessment.granted))
            for score, assessment in assessed
            if assessment.granted is not None
        ],
        update_conflicts=True,
        unique_fields=["merchant", "kind"],
        update_fields=["limit_minor", "higher_since", "sustained_minor"],
    )


def _write_offers(
    assessed: Sequence[tuple[Score, Assessment]], version: ProductVersion, product: Product, *, on: date, now: datetime
) -> None:
    """Write the new offers; of the open ones of the kind, leave those that stay as they are, and close the others.

    Whoever has a line of the kind is offered no other.
    """
    merchants = [score.merchant_id for score, _ in assessed]
    of_kind = Offer.objects.open().filter(merchant__in=merchants, kind=version.kind)
    standing = {offer.merchant_id: offer for offer in of_kind.lock()}
    lines = set(open_lines(kind=version.kind).filter(merchant__in=merchants).values_list("merchant_id", flat=True))
    made = []
    for score, assessment in assessed:
        has_line = score.merchant_id in lines
        offer = None if has_line else _made(score, assessment, version, product, on=on, now=now)
        before = standing.get(score.merchant_id)
        if before is not None:
            same = offer is not None and _same(before, offer)
            after = state_after_night(expires_on=before.expires_on, on=on, anew=offer is not None, same=same)
            if after is None:
                continue
            require_one(Offer.objects.open().filter(pk=before.pk).update(state=after, closed_at=now))
        if offer is not None:
            made.append(offer)
    Offer.objects.bulk_create(made)


def _made(
    score: Score, assessment: Assessment, version: ProductVersion, product: Product, *, on: date, now: datetime
) -> Offer | None:
    """Return the offer that the assessment allows, not yet written; None if it allows none."""
    limit, grade = assessment.limit, assessment.facts.score.grade
    if assessment.no_offer is not None or limit is None or grade is None:
        return None
    most = most_by_months(assessment.facts, assessment.product, grade=grade, free_minor=assessment.free_minor)
    return Offer(
        merchant_id=score.merchant_id,
        score=score,
        product=version,
        kind=version.kind,
        state=OfferState.MADE,
        currency=product.currency,
        grade=grade,
        minimum_minor=product.minimum_minor,
        limit_minor=max(most.values()),
        most_by_months=write_choices(most),
        daily_rate=product.grades[grade].daily_rate,
        caps=dict(limit.caps),
        binding=limit.binding,
        made_on=on,
        expires_on=expires_on(product, made_on=on),
        made_at=now,
    )


def _same(left: Offer, right: Offer) -> bool:
    promises = ("product_id", "currency", "grade", "limit_minor", "most_by_months", "daily_rate")
    return all(getattr(left, name) == getattr(right, name) for name in promises)
