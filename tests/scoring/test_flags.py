"""Flagged sales leave s, are one characteristic, and stay pinned with the run that found them."""

from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import F

from config.kernel.calendar import day_number
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from merchants.models import Transaction
from merchants.queries.batches import current_watermark
from scoring.domain.features.flags import MEASURES_OF_S
from scoring.domain.features.measures import MEASURE_NAMES
from scoring.domain.features.sets import FEATURE_SETS, LESS_FLAGGED, current_set, get_set
from scoring.domain.run import RunState
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import FlaggedSale, IntegrityFinding, Score
from scoring.operations.single import score_merchant
from scoring.operations.versions import create_calibration, enter_scorecard
from scoring.queries.explanations import characteristics_of, explain_score
from scoring.queries.integrity import find
from scoring.queries.measures import Known, measure, measure_flagged
from scoring.queries.references import members_of_market
from scoring.queries.replay import replay_score
from scoring.queries.scores import compute_market
from tests.conftest import NOW
from tests.scoring.domain.markets import day_one
from tests.scoring.market import run_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cheats")]
AS_OF = date(2026, 7, 1)


@pytest.fixture
def cheats(tmp_path: Path) -> Path:
    market = {"merchants": 150, "days": 540, "seed": 3, "cheaters": 40, "verbosity": 0}
    call_command("simulate_marketplace", tmp_path, **market, stdout=StringIO())
    call_command("import_marketplace", tmp_path, settlement="ESCROW", stdout=StringIO())
    return tmp_path


def known() -> Known:
    return Known(as_of_day=day_number(AS_OF), watermark=current_watermark())


def test_s_of_all_rows_is_that_of_flagged_orders_and_of_the_others() -> None:
    """Red if a refund of a flagged order stayed in s, or an order reached into another's sums."""
    features, members = get_set("3"), members_of_market()
    orders = [(one.merchant_id, sale.order_key) for one in find(known=known()) for sale in one.flagged]
    others = list(
        Transaction.objects.exclude(order_ref="")
        .annotate(key=F("order_ref"))
        .values_list("merchant_id", "key")
        .distinct()
    )
    assert len(orders) > 50

    def sums(rows: list[tuple[int, ...]]) -> dict[int, list[int]]:
        places = [1 + MEASURE_NAMES.index(name) for name in MEASURES_OF_S]
        return {row[0]: [row[place] for place in places] for row in rows}

    whole = sums(measure(features.measures, members=members, known=known()))
    flagged = sums(measure_flagged(features.measures, members=members, known=known(), orders=sorted(set(orders))))
    rest = sums(
        measure_flagged(features.measures, members=members, known=known(), orders=sorted(set(others) - set(orders)))
    )
    nothing = [0] * len(MEASURES_OF_S)
    for merchant, expected in whole.items():
        parts = zip(flagged.get(merchant, nothing), rest.get(merchant, nothing), strict=True)
        assert [one + other for one, other in parts] == expected


def test_a_cheater_loses_what_it_made_up_and_nobody_else_changes() -> None:
    found = {one.merchant_id: one for one in find(known=known())}
    rows = {
        version: {
            row.merchant_id: row
            for row in compute_market(known=known(), card=day_one(), calibration=None, features=get_set(version))
        }
        for version in ("2", "3")
    }
    lower = 0
    for merchant, before in rows["2"].items():
        now = rows["3"][merchant]
        values = dict(zip(get_set("3").names, now.characteristics, strict=True))
        finding = found.get(merchant)
        if finding is None or not finding.fired:
            assert values["flagged_share"] == 0
            moved = {
                name
                for name, one, other in zip(
                    get_set("2").names, before.characteristics, now.characteristics[:-1], strict=True
                )
                if one != other
            }
            assert moved <= {"sales_90_percentile"}
            assert before.sales_basis_minor == now.sales_basis_minor
        else:
            assert values["flagged_share"] == finding.flagged_share
            # M itself may rise by its season, an index of the year to which sales were added.
            place = get_set("3").names.index("sales_90")
            assert (now.characteristics[place] or 0) <= (before.characteristics[place] or 0)
            assert now.sales_365_minor <= before.sales_365_minor
            lower += now.sales_basis_minor < before.sales_basis_minor
    assert lower > 10


def test_a_candidate_is_used_by_no_run() -> None:
    assert LESS_FLAGGED.is_candidate
    assert current_set().version == "2"


def test_a_run_pins_what_it_found_and_its_scores_are_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a replay looked for flags anew, or a single score saw none."""
    monkeypatch.setitem(FEATURE_SETS, "3", replace(LESS_FLAGGED, is_candidate=False))
    open_day(on=AS_OF, actor=SYSTEM, now=NOW)
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    create_calibration(run_id=run_once().pk, actor=SYSTEM, now=NOW)
    run = run_once()
    assert (run.feature_set, run.state) == ("3", RunState.PUBLISHED)
    findings = IntegrityFinding.objects.filter(run=run)
    assert findings.count() > 10
    assert FlaggedSale.objects.filter(run=run).count() > 50
    flagged = Score.objects.filter(run=run, merchant__in=findings.values("merchant"), not_scored=None)
    assert flagged.count() > 5
    for score in flagged.select_related("run__scorecard", "run__calibration"):
        assert replay_score(score).equal
        share = findings.get(merchant=score.merchant_id).flagged_share_bp
        assert characteristics_of(score)["flagged_share"] == share
        [part] = [part for part in explain_score(score).contributions if part.reads == "flagged_share"]
        assert (part.value, part.points) == (share, 0 if share < 200 else -15 if share < 500 else -45)
    score = flagged.earliest("merchant_id")
    single = score_merchant(merchant_id=score.merchant_id, actor=SYSTEM, now=NOW)
    assert (single.score, single.sales_basis_minor) == (score.score, score.sales_basis_minor)
    assert replay_score(single).equal
    expected = compute_market(known=known(), card=day_one(), calibration=None)
    stored = dict(Score.objects.filter(run=run).values_list("merchant_id", "score"))
    assert {row.merchant_id: row.score for row in expected} == stored
