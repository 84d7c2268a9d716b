from datetime import date, timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.db.locking import LockingQuerySet
from config.db.transactions import NoTransaction, operation
from config.kernel.calendar import day_number
from merchants.models import Batch, Merchant
from merchants.models.batch import BatchState
from merchants.queries.batches import Watermark, current_watermark, lock_batch_numbers
from scoring.domain.behaviour import Behaviour
from scoring.models import BehaviourFact, Score, ScoreRun
from scoring.operations.behaviour import record_behaviour
from scoring.operations.single import score_merchant
from scoring.queries.explanations import explain_score
from scoring.queries.measures import Known, measure_behaviour
from scoring.queries.references import members_of_market
from scoring.queries.replay import get_score, replay_score
from scoring.queries.scores import card_of, stored_row
from tests.conftest import CLERK, NOW
from tests.markets import make_merchants, make_partner
from tests.race import race
from tests.scoring.market import AS_OF, calibrate, make_market, run_once

pytestmark = pytest.mark.django_db(transaction=True)
EVE = AS_OF - timedelta(days=1)


def record(*facts: Behaviour, on: date = EVE) -> int:
    with operation():
        return record_behaviour(facts=facts, on=on, now=NOW)


def shops(*names: str, code: str = "bazaar") -> list[int]:
    partner = make_partner(code)
    make_merchants(partner, *names)
    return list(Merchant.objects.filter(partner=partner).order_by("pk").values_list("pk", flat=True))


def facts() -> list[tuple[object, ...]]:
    rows = BehaviourFact.objects.order_by("pk")
    return list(rows.values_list("merchant_id", "business_date", "dpd", "loans_repaid", "batch_id"))


def test_what_changed_is_recorded_in_a_sealed_batch_of_each_partner() -> None:
    kiln, barn = shops("kiln", "barn")
    [mill] = shops("mill", code="market")
    told = [Behaviour(merchant_id=kiln, dpd=3), Behaviour(merchant_id=mill, loans_repaid=1)]
    assert record(*told, Behaviour(merchant_id=barn)) == 2, "whoever owes nothing and never did has no fact"
    assert facts() == [(kiln, EVE, 3, 0, 1), (mill, EVE, 0, 1, 2)]
    for batch in Batch.objects.order_by("number"):
        assert (batch.state, batch.received, batch.accepted, batch.source) == (BatchState.SEALED, 1, 1, "behaviour")
    assert current_watermark() == Watermark(3, ())


def test_the_same_again_writes_nothing_nor_takes_a_number() -> None:
    """Red without the comparison, and with one that forgets a field."""
    kiln, barn = shops("kiln", "barn")
    first = Behaviour(merchant_id=kiln, dpd=3, scheduled_minor=7, repaid_minor=1, loans_repaid=2)
    assert record(first) == 1
    assert record(first, Behaviour(merchant_id=barn)) == 0
    assert record(first, on=AS_OF) == 0
    assert Batch.objects.count() == 1
    later = AS_OF
    for name in ("dpd", "scheduled_minor", "repaid_minor", "loans_repaid"):
        later += timedelta(days=1)
        first = first._replace(**{name: getattr(first, name) + 1})
        assert record(first, on=later) == 1, name
    assert record(Behaviour(merchant_id=kiln), on=later + timedelta(days=1)) == 1, "nothing after something is a change"


def test_a_later_fact_corrects_a_day_and_an_older_day_may_be_told_late() -> None:
    [kiln] = shops("kiln")
    assert record(Behaviour(merchant_id=kiln, dpd=3)) == 1
    assert record(Behaviour(merchant_id=kiln, dpd=4)) == 1
    assert record(Behaviour(merchant_id=kiln, dpd=4)) == 0
    assert record(Behaviour(merchant_id=kiln, dpd=2), on=EVE - timedelta(days=1)) == 1
    assert record(Behaviour(merchant_id=kiln, dpd=4), on=AS_OF) == 0, "the corrected one still holds"
    assert facts() == [(kiln, EVE, 3, 0, 1), (kiln, EVE, 4, 0, 2), (kiln, EVE - timedelta(days=1), 2, 0, 3)]


def test_it_is_part_of_an_operation() -> None:
    [kiln] = shops("kiln")
    with pytest.raises(NoTransaction):
        record_behaviour(facts=[Behaviour(merchant_id=kiln, dpd=3)], on=EVE, now=NOW)
    assert not BehaviourFact.objects.exists()
    assert not Batch.objects.exists()


class Numbers:
    """The lock of the batches' numbers, as `race` holds one."""

    def lock(self) -> list[int]:
        return [lock_batch_numbers()]


def test_two_that_record_at_once_write_once() -> None:
    """Red unless what changed is asked again under the lock."""
    [kiln] = shops("kiln")
    told = Behaviour(merchant_id=kiln, dpd=3)
    held = cast("LockingQuerySet[Batch]", Numbers())
    assert sorted(race(lambda: record(told), lambda: record(told), held=held), key=str) == [0, 1]
    assert facts() == [(kiln, EVE, 3, 0, 1)]


def measured(known: Known) -> list[tuple[int | None, ...]]:
    members = members_of_market()
    rows = measure_behaviour(members=members, known=known)
    return sorted(tuple(row) for row in rows)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    days=st.lists(st.integers(1, 800), min_size=1, max_size=6),
    later=st.lists(st.integers(-5, 800), min_size=1, max_size=6),
)
def test_neither_the_future_nor_what_comes_to_be_known_changes_what_was_measured(
    days: list[int], later: list[int]
) -> None:
    """Red with `<=` for either `<` in BEHAVIOUR. The number of an example is in the names it makes."""
    number = Merchant.objects.count()
    own = shops(f"kiln-{number}", f"barn-{number}", code=f"p{number}")

    def tell(back: list[int], offset: int) -> None:
        for place, d in enumerate(back):
            for merchant in own:
                told = Behaviour(merchant_id=merchant, dpd=place + offset + merchant % 7, loans_repaid=place)
                record(told, on=AS_OF - timedelta(days=d))

    tell(days, 1)
    known = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    before = measured(known)
    assert {row[0] for row in before} >= set(own)
    tell([-day for day in range(5)], 900)  # from as_of on
    everything = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    assert measured(everything) == before
    tell(later, 2_000)
    assert measured(known) == before


def single(merchant: Merchant) -> Score:
    found = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
    return get_score(merchant_id=merchant.pk, score_id=found.pk)


def points_of(score: Score) -> int:
    names = [row.name for row in card_of(score.run.scorecard).rows]
    return int(score.points[names.index("repayment")])


def test_a_score_takes_what_was_recorded_just_before_and_no_later_fact_moves_it() -> None:
    make_market(40)
    calibrate()
    live = run_once()
    assert set(Score.objects.filter(run=live).values_list("repayment_level", flat=True)) == {6}
    merchant = Merchant.objects.get(external_id="shop-1")
    before = single(merchant)

    record(Behaviour(merchant_id=merchant.pk, loans_repaid=2, scheduled_minor=100, repaid_minor=80))
    good = single(merchant)
    assert (good.repayment_level, points_of(good), good.score) == (9, 35, before.score + 35)
    assert record(Behaviour(merchant_id=merchant.pk, dpd=16), on=EVE - timedelta(days=300)) == 1
    late = single(merchant)
    assert (late.repayment_level, points_of(late), late.score) == (1, -50, before.score - 50)
    record(Behaviour(merchant_id=merchant.pk, dpd=40), on=AS_OF)  # as of AS_OF, this lies ahead
    assert single(merchant).score == late.score

    for score in (before, good, late, *Score.objects.filter(run=live)):
        stored = get_score(merchant_id=score.merchant_id, score_id=score.pk)
        assert replay_score(stored).equal, "no later fact changes an earlier score"
    [shown] = [part for part in explain_score(late).contributions if part.name == "repayment"]
    assert (shown.value, shown.points) == (1, -50)
    assert shown.bin is not None
    assert (shown.bin.low, shown.bin.high) == (1, 2)


def test_a_full_run_reads_the_facts_shard_by_shard_as_a_single_score_does() -> None:
    make_market(40)
    calibrate()
    merchants = list(Merchant.objects.order_by("pk"))
    for number, merchant in enumerate(merchants):
        record(Behaviour(merchant_id=merchant.pk, dpd=number, loans_repaid=number % 4, scheduled_minor=number % 2))
    run = run_once()
    assert ScoreRun.objects.filter(pk=run.pk, state="PUBLISHED").exists()
    nightly = {score.merchant_id: score for score in Score.objects.filter(run=run)}
    assert len({score.repayment_level for score in nightly.values()}) >= 8
    for merchant in merchants[::4]:
        assert stored_row(single(merchant)) == stored_row(nightly[merchant.pk])
