"""Every field of the crafted merchants, exactly."""

import json
from datetime import date
from typing import Any

import pytest

from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES
from scoring.domain.score import Scores
from tests.scoring.domain.markets import SHARED, day_one, read_market, rows_as_of, score_market

GOLDEN = SHARED / "golden" / "scores"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"the crafted merchants are not at {GOLDEN}"),
]


def verdict(name: str, scores: Scores, row: int) -> dict[str, Any]:
    card = day_one()
    return {
        "merchant": name,
        "not_scored": scores.unscored.at(row),
        "characteristics": {key: scores.characteristics[key].tolist()[row] for key in CHARACTERISTIC_NAMES},
        "absent": [line.reads for line in card.rows if line.reads in scores.absent and scores.absent[line.reads][row]],
        "points": {key: int(points[row]) for key, points in scores.points.points.items()},
        "activity_floored": bool(scores.points.floored["activity"][row]),
        "score": int(scores.score[row]),
        "gates": [gate.value for gate, failed in scores.gates.items() if failed[row]],
        "sales_basis_minor": int(scores.sales_basis_minor[row]),
    }


@pytest.mark.parametrize("folder", ["", "bare"])
def test_every_field_of_every_merchant_agrees(folder: str) -> None:
    expected = json.loads((GOLDEN / folder / "expected.json").read_text(encoding="utf-8"))
    market = read_market(GOLDEN / folder)
    as_of = dict.fromkeys(market.names, date.fromisoformat(expected["as_of"]))
    rows = rows_as_of(market, as_of, escrow=expected["settlement"] == "ESCROW")

    _, scores = score_market(rows, market.attributes)

    found = [verdict(name, scores, row) for row, name in enumerate(market.names)]
    by_name = {merchant["merchant"]: merchant for merchant in expected["merchants"]}
    assert sorted(by_name) == sorted(market.names)
    assert found == [by_name[name] for name in market.names]
