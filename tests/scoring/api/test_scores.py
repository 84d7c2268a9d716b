import pytest

from merchants.models import Partner
from scoring.domain.policy import FAILED_GATES, NEEDS, Gate, NotScored
from scoring.models import Score
from tests.markets import make_merchants
from tests.partners import Api, token_for
from tests.scoring.market import calibrate, make_market, run_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_partner_reads_grade_and_reasons_or_why_there_are_none() -> None:
    make_market(40)
    partner = Partner.objects.get()
    api = Api(token_for(partner))
    assert api.get("merchants/shop-0/score")[1]["code"] == "no_score_yet"
    calibrate()
    make_merchants(partner, "idle")
    run = run_once()
    make_merchants(partner, "late")

    for score in Score.objects.filter(run=run).select_related("merchant"):
        status, said = api.get(f"merchants/{score.merchant.external_id}/score")
        assert status == 200
        assert said["as_of"] == "2026-03-01"
        if score.not_scored:
            assert (said["score"], said["grade"], said["reasons"]) == (None, None, [])
            assert said["not_scored"]["code"] == score.not_scored.lower()
        else:
            assert (said["score"], said["grade"]) == (score.score, score.grade)
            assert len(said["reasons"]) == len(score.reasons) <= 4
            assert all(reason["words"] for reason in said["reasons"])
            assert said["not_scored"] is None
    status, said = api.get("merchants/idle/score")
    assert said["not_scored"] == {
        "code": "few_orders",
        "words": "A score needs 10 orders; 10 more are missing.",
        "needed": 10,
    }
    assert api.get("merchants/late/score")[1]["code"] == "no_score_yet"
    assert api.get("merchants/nobody/score")[1]["code"] == "not_found"


def test_every_gate_and_every_reason_has_its_words() -> None:
    assert set(FAILED_GATES) == set(Gate)
    assert set(NEEDS) == set(NotScored)
