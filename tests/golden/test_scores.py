"""Scores of crafted merchants, computed from the definitions by a model written apart: equal in every field.

`--golden-dir DIR` takes any directory of this shape: merchants.csv, transactions.csv, expected.json, and the
same again in folders below it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.office.actors import SYSTEM
from scoring.domain.features.sets import DAY_ONE
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.operations.versions import enter_scorecard
from tests.conftest import NOW, SHARED


def directories(config: pytest.Config) -> list[Path]:
    root = Path(config.getoption("golden_dir") or SHARED / "golden" / "scores")
    return sorted(path.parent for path in root.rglob("expected.json"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "market" in metafunc.fixturenames:
        found = directories(metafunc.config)
        absent = pytest.param(None, marks=pytest.mark.skip(reason="no golden scores: see --golden-dir"))
        metafunc.parametrize("market", found or [absent], ids=lambda path: path.name if path else "absent")


@pytest.mark.real
@pytest.mark.django_db(transaction=True)
def test_scores_equal_the_golden_ones(market: Path, tmp_path: Path) -> None:
    expected = json.loads((market / "expected.json").read_text())
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    call_command("import_marketplace", str(market), settlement=expected["settlement"])
    output = tmp_path / "scores.jsonl"
    # The files were computed from the definitions of day one; what later ones change, test_golden.py says.
    call_command("score", "--as-of", expected["as_of"], "--features", DAY_ONE.version, "--to", str(output))
    scores = {said["merchant"]: said for said in lines(output)}
    assert scores.keys() == {wanted["merchant"] for wanted in expected["merchants"]}
    for wanted in expected["merchants"]:
        found = scores[wanted["merchant"]]
        assert found.keys() == wanted.keys()
        for field, value in wanted.items():
            same = sorted(found[field]) == sorted(value) if field in {"absent", "gates"} else found[field] == value
            assert same, f"{wanted['merchant']}: {field}: {found[field]} is not {value}"


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        yield from map(json.loads, file)
