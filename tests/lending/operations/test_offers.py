from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from config.office.business_date import open_day
from config.office.models import BusinessDate, JobRun
from lending.domain.origination.offer import MoveRefusal, OfferState
from lending.domain.origination.offer_round import RoundRefusal
from lending.domain.origination.product_document import ProductMalformed
from lending.models import GrantedLimit, Offer, OfferRound
from lending.operations.offers import (
    OFFERS,
    OfferNotMoved,
    RoundNotStarted,
    decline_offer,
    deliver_offer,
    expire_offers,
    start_round,
)
from lending.operations.products import EntryRefusal, ProductNotEntered
from lending.queries.borrowing import get_borrowing
from merchants.models import Merchant
from tests.conftest import CLERK, NOW
from tests.lending.market import make_round, next_run, publish, sell
from tests.race import race
from tests.stages import do_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_offers_are_made_from_the_published_run_once() -> None:
    publish(16)
    with pytest.raises(RoundNotStarted) as refused:
        start_round(actor=CLERK, now=NOW)
    assert refused.value.reason is RoundRefusal.NO_PRODUCT
    sell()
    made = make_round()
    offers = list(Offer.objects.all())
    assert offers
    with pytest.raises(RoundNotStarted) as refused:
        start_round(actor=CLERK, now=NOW)
    assert refused.value.reason is RoundRefusal.DONE_BEFORE
    for job in JobRun.objects.of(OFFERS.names[0], made.pk):
        do_job(OFFERS, job)
    assert list(Offer.objects.all()) == offers
    for offer in offers:
        assert offer.caps[offer.binding] == min(minor for minor in offer.caps.values() if minor is not None)
        assert offer.limit_minor == max(offer.most_by_months.values())
        assert offer.score.run == made.run
    # Everybody else is told why not, and nobody is told both.
    for merchant in Merchant.objects.all():
        [offering] = get_borrowing(merchant).offerings
        assert (offering.offer is None) == (offering.without is not None)


def test_two_rounds_started_at_once_are_one() -> None:
    publish(16)
    sell()

    start = partial(start_round, actor=CLERK, now=NOW)
    outcomes = race(start, start, held=BusinessDate.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["OfferRound", "RoundNotStarted"]
    assert OfferRound.objects.count() == 1


def version_2(document: dict[str, Any]) -> None:
    """Lend at most 100, and only from 95 on."""
    document.update(version=3, minimum="95", maximum="100")


def test_a_later_round_leaves_what_is_the_same_and_replaces_or_withdraws_the_rest() -> None:
    """Red if a round left offers of an old version open, or wrote anew what it found."""
    publish(16)
    sell()
    make_round()
    before = {offer.merchant_id: offer for offer in Offer.objects.all()}
    sell(version_2)
    next_run(days=1)
    make_round()
    open_now = {offer.merchant_id: offer for offer in Offer.objects.open()}
    states = Counter(
        Offer.objects.filter(pk__in=[offer.pk for offer in before.values()]).values_list("state", flat=True)
    )
    assert set(states) == {OfferState.REPLACED, OfferState.WITHDRAWN}
    assert all(95_00 <= offer.limit_minor <= 100_00 for offer in open_now.values())
    replaced = Offer.objects.filter(state=OfferState.REPLACED).values_list("merchant_id", flat=True)
    assert set(replaced) <= set(open_now)
    next_run(days=2)
    make_round()
    kept = Offer.objects.open().filter(pk__in=[offer.pk for offer in open_now.values()])
    assert kept.exists(), "what promises the same stays"
    # A line is cut at once, and not raised for one good night.
    for merchant, line in GrantedLimit.objects.values_list("merchant_id", "limit_minor"):
        if merchant in before:
            assert line <= before[merchant].limit_minor


def test_a_round_that_wakes_up_late_leaves_the_later_one_alone() -> None:
    """Red without the guard: offers would go back to older scores."""
    publish(16)
    sell()
    start_round(actor=CLERK, now=NOW)
    late = JobRun.objects.get(name=OFFERS.names[0])
    next_run(days=1)
    make_round()
    offers = list(Offer.objects.order_by("pk").values())
    assert offers
    do_job(OFFERS, late)
    assert list(Offer.objects.order_by("pk").values()) == offers


def test_an_offer_is_delivered_declined_and_expires() -> None:
    publish(16)
    sell()
    make_round()
    first, second, *_ = Offer.objects.order_by("pk")
    assert deliver_offer(offer_id=first.pk, actor=CLERK, now=NOW).state == OfferState.DELIVERED
    assert decline_offer(offer_id=first.pk, actor=CLERK, now=NOW).state == OfferState.DECLINED
    with pytest.raises(OfferNotMoved) as refused:
        deliver_offer(offer_id=first.pk, actor=CLERK, now=NOW)
    assert refused.value.reason is MoveRefusal.NOT_OPEN
    assert expire_offers(on=second.expires_on - timedelta(days=1), now=NOW) == 0
    open_day(on=second.expires_on, actor=CLERK, now=NOW)
    assert expire_offers(on=second.expires_on, now=NOW) == Offer.objects.count() - 1
    assert not Offer.objects.open().exists()


def test_a_version_is_entered_once_and_one_that_loses_money_never() -> None:
    version = sell()
    assert sell() == version
    with pytest.raises(ProductNotEntered) as refused:
        sell(lambda document: document.update(minimum="20"))
    assert refused.value.reason is EntryRefusal.VERSION_USED
    with pytest.raises(ProductMalformed, match="income"):
        sell(lambda document: document["costs"].update(funding_bps=2_000))
