import pytest
from django.db import connection

from config.office.models import OperationEvent
from merchants.models import Merchant
from scoring.domain.run import RunKind, SingleRefusal
from scoring.models import ReferenceMerchant, Score, ScoreRun
from scoring.operations.single import MerchantNotScored, score_merchant
from scoring.queries.sales import Period, sales_of
from scoring.queries.scores import compute_run, get_live_run, get_run, stored_row
from tests.conftest import CLERK, NOW
from tests.markets import make_merchants, receive, sale
from tests.scoring.market import calibrate, make_market, run_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_merchant_is_scored_like_all_and_nothing_else_moves() -> None:
    make_market(40)
    calibrate()
    live = run_once()
    for merchant in Merchant.objects.order_by("pk")[:5]:
        single = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
        nightly = Score.objects.get(run=live, merchant=merchant)
        assert stored_row(single) == stored_row(nightly)
        assert (single.run.kind, single.run.references_id) == (RunKind.SINGLE, live.pk)
        assert ReferenceMerchant.objects.filter(run=single.run).count() == 1
    assert get_live_run() == live
    assert OperationEvent.objects.filter(name="scoring.score_merchant").count() == 5


def test_a_fresh_score_sees_what_came_since_and_can_be_replayed() -> None:
    make_market(40)
    calibrate()
    live = run_once()
    merchant = Merchant.objects.get(external_id="shop-1")
    receive(merchant.partner, [sale(f"big-{day}", "shop-1", amount="900.00") for day in range(20)])
    single = score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
    assert single.sales_basis_minor > Score.objects.get(run=live, merchant=merchant).sales_basis_minor
    receive(merchant.partner, [sale(f"more-{day}", "shop-1", amount="900.00") for day in range(20)])
    partition = ReferenceMerchant.objects.get(run=single.run).shard
    assert compute_run(run=get_run(run_id=single.run_id), partitions=[partition]) == [stored_row(single)]


def test_what_measures_one_merchant_is_planned_once() -> None:
    """Red with a plan for each merchant, in a decision or on a merchant's page: it takes longer than measuring."""
    make_market(40)
    calibrate()
    run_once()
    connection.close()  # what earlier tests prepared goes with it
    for merchant in Merchant.objects.order_by("pk")[:6]:
        score_merchant(merchant_id=merchant.pk, actor=CLERK, now=NOW)
        sales_of(merchant_id=merchant.pk, period=Period.DAY, until=NOW.date())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%transaction t WHERE t.merchant_id = $%'"
        )
        plans = cursor.fetchall()
    assert [(generic >= 3, custom) for generic, custom in plans] == [(True, 0), (True, 0)]


def test_a_newcomer_is_scored_afresh() -> None:
    make_market(40)
    calibrate()
    run_once()
    make_merchants(Merchant.objects.earliest("pk").partner, "newcomer")
    newcomer = Merchant.objects.get(external_id="newcomer")
    assert score_merchant(merchant_id=newcomer.pk, actor=CLERK, now=NOW).not_scored == "FEW_ORDERS"


def test_without_a_published_run_nothing_happens() -> None:
    make_market(3)
    with pytest.raises(MerchantNotScored) as refused:
        score_merchant(merchant_id=Merchant.objects.earliest("pk").pk, actor=CLERK, now=NOW)
    assert refused.value.reason is SingleRefusal.NOTHING_PUBLISHED
    assert not ScoreRun.objects.exists()
    assert not Score.objects.exists()
