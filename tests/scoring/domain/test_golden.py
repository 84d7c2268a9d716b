"""Every field of the crafted merchants, exactly."""

import json
from datetime import date
from typing import Any

import pytest

from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES
from scoring.domain.features.sets import DAY_ONE, current_set
from scoring.domain.score import Scores
from tests.scoring.domain.markets import SHARED, day_one, read_market, rows_as_of, score_market
from tests.scoring.domain.test_documents import tables

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


def verdicts(folder: str, version: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the verdicts on every merchant by a version, and the expected ones."""
    expected = json.loads((GOLDEN / folder / "expected.json").read_text(encoding="utf-8"))
    market = read_market(GOLDEN / folder)
    as_of = dict.fromkeys(market.names, date.fromisoformat(expected["as_of"]))
    rows = rows_as_of(market, as_of, escrow=expected["settlement"] == "ESCROW")

    _, scores = score_market(rows, market.attributes, version=version)

    found = [verdict(name, scores, row) for row, name in enumerate(market.names)]
    by_name = {merchant["merchant"]: merchant for merchant in expected["merchants"]}
    assert sorted(by_name) == sorted(market.names)
    return found, [by_name[name] for name in market.names]


@pytest.mark.parametrize("folder", ["", "bare"])
def test_every_field_of_every_merchant_agrees(folder: str) -> None:
    found, expected = verdicts(folder, DAY_ONE.version)
    assert found == expected


def test_a_later_version_changes_what_its_table_says_and_nothing_else() -> None:
    """Red if a change of a definition reached a merchant who has no such row."""
    pairs = [pair for folder in ("", "bare") for pair in zip(*verdicts(folder, current_set().version), strict=True)]
    changed, moved = [], set()
    for found, expected in pairs:
        name, before, now = found["merchant"], expected["characteristics"], found["characteristics"]
        differing = [key for key in CHARACTERISTIC_NAMES if now[key] != before[key]]
        if differing == ["sales_90_percentile"]:
            moved.add(name)
            continue
        changed += [
            [name, key, *(str(said).replace("None", "-") for said in (before[key], now[key]))] for key in differing
        ]
        assert differing or found == expected, name
    assert changed == [line[:4] for line in tables()["versions"]]
    assert 0 < len(moved) < len(pairs) / 3
