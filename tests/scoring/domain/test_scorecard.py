import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.canonical import canonical_json, sha256_of
from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES
from scoring.domain.features.columns import column_of
from scoring.domain.features.declarations import FEATURES, Direction
from scoring.domain.scorecard import (
    DAY_ONE_CARD,
    ScorecardDefect,
    ScorecardMalformed,
    apply,
    canonical_card,
    follows,
    parse_scorecard,
    row_points,
)
from tests.scoring.domain.markets import day_one

Change = Callable[[dict[str, Any]], object]


def card_json() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DAY_ONE_CARD.read_text(encoding="utf-8"))
    return data


def row(data: dict[str, Any], **changes: object) -> None:
    data["rows"][0].update(changes)


MALFORMED: list[tuple[ScorecardDefect, Change]] = [
    (ScorecardDefect.SCHEMA, lambda data: data.pop("base")),
    (ScorecardDefect.SCHEMA, lambda data: data.update(extra=1)),
    (ScorecardDefect.SCHEMA, lambda data: data.update(base=True)),
    (ScorecardDefect.SCHEMA, lambda data: data.update(base=600.0)),
    (ScorecardDefect.SCHEMA, lambda data: data.update(rows=[])),
    (ScorecardDefect.SCHEMA, lambda data: data.update(rows=["tenure_m"])),
    (ScorecardDefect.SCHEMA, lambda data: data["rows"][0].pop("missing")),
    (ScorecardDefect.SCHEMA, lambda data: row(data, missing=None)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: data.update(highest=900)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: data.update(lowest=200)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: data.update(name="")),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: data.update(name="n" * 80)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: row(data, name="n" * 41)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: row(data, missing=-1_001)),
    (ScorecardDefect.OUT_OF_RANGE, lambda data: data["families"].update({"f" * 21: {"floor": None}})),
    (ScorecardDefect.SCHEMA, lambda data: row(data, missing=2**63)),
    (ScorecardDefect.SCHEMA, lambda data: row(data, points=[-25, 0, 15, 25.5])),
    (ScorecardDefect.SCHEMA, lambda data: row(data, splits=[12, 24, "48"])),
    (ScorecardDefect.SCHEMA, lambda data: data["families"].update(tenure=-60)),
    (ScorecardDefect.SCHEMA, lambda data: data["families"].update(tenure={"floor": "-60"})),
    (ScorecardDefect.UNKNOWN_CHARACTERISTIC, lambda data: row(data, reads="shoe_size")),
    (ScorecardDefect.DUPLICATE_ROW, lambda data: data["rows"].append(data["rows"][0])),
    (ScorecardDefect.UNKNOWN_FAMILY, lambda data: row(data, family="luck")),
    (ScorecardDefect.POINTS_DO_NOT_FIT_SPLITS, lambda data: row(data, points=[-25, 0, 25])),
    (ScorecardDefect.SPLITS_DO_NOT_RISE, lambda data: row(data, splits=[12, 12, 48])),
    (ScorecardDefect.AGAINST_DIRECTION, lambda data: row(data, points=[-25, 0, 25, 15])),
    (ScorecardDefect.FLOOR_NOT_BELOW_ZERO, lambda data: data["families"].update(tenure={"floor": 0})),
    (ScorecardDefect.RANGE_EMPTY, lambda data: data.update(lowest=601)),
]


@pytest.mark.parametrize(("reason", "change"), MALFORMED)
def test_a_malformed_card_is_refused_with_its_reason(reason: ScorecardDefect, change: Change) -> None:
    data = card_json()
    change(data)
    text = canonical_json(data)
    with pytest.raises(ScorecardMalformed) as refused:
        parse_scorecard(text, sha256_of(text))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (ScorecardDefect.NOT_CANONICAL, DAY_ONE_CARD.read_text(encoding="utf-8")),
        (ScorecardDefect.SCHEMA, "{"),
        (ScorecardDefect.SCHEMA, '{"base":NaN}'),
        (ScorecardDefect.SCHEMA, "[]"),
    ],
)
def test_a_text_that_is_not_canonical_json_is_refused(reason: ScorecardDefect, text: str) -> None:
    with pytest.raises(ScorecardMalformed) as refused:
        parse_scorecard(text, sha256_of(text))
    assert refused.value.reason is reason


def test_a_card_changed_by_one_point_no_longer_has_its_hash() -> None:
    card, text = day_one(), canonical_json(card_json())
    assert card.sha256 == sha256_of(text)
    with pytest.raises(ScorecardMalformed) as refused:
        parse_scorecard(text.replace('"base":600', '"base":601'), card.sha256)
    assert refused.value.reason is ScorecardDefect.HASH_DIFFERS


def test_every_defect_is_shown_by_an_example() -> None:
    shown = {reason for reason, _ in MALFORMED} | {ScorecardDefect.NOT_CANONICAL, ScorecardDefect.HASH_DIFFERS}
    assert shown == set(ScorecardDefect)


def test_day_one_reads_what_is_derived_and_every_feature_is_declared() -> None:
    reads = {line.reads for line in day_one().rows}
    assert len(day_one().rows) == 20
    assert reads <= {*CHARACTERISTIC_NAMES, "repayment", "flagged_share"} == set(FEATURES)
    assert {family: floor for family, floor in day_one().floors.items() if floor} == {"activity": -60}


@pytest.mark.parametrize("line", day_one().rows, ids=lambda line: str(line.name))
def test_bins_are_half_open_and_a_null_takes_missing(line: Any) -> None:  # noqa: ANN401
    """Red if searchsorted looks from the other side."""
    for number, split in enumerate(line.splits):
        values = column_of([split - 1, split, None])
        assert row_points(line, values, None).tolist() == [line.points[number], line.points[number + 1], line.missing]
    assert row_points(line, column_of([line.splits[0], None]), np.array([True, True])).tolist() == [0, 0]


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6))
def test_directions(points: list[int]) -> None:
    rising, falling = points == sorted(points), points == sorted(points, reverse=True)
    assert follows(points, Direction.UP) is rising
    assert follows(points, Direction.DOWN) is falling
    peaks = [sorted(points[:at]) + sorted(points[at:], reverse=True) == points for at in range(len(points) + 1)]
    assert follows(points, Direction.HUMP) is any(peaks)


def test_the_family_is_floored_and_the_score_clipped() -> None:
    card = day_one()
    size = 3
    values = {line.reads: column_of([None] * size) for line in card.rows}
    absent = {line.reads: np.array([line.family != "activity", True, False]) for line in card.rows}

    found = apply(card, values, absent)

    lost = sum(line.missing for line in card.rows if line.family == "activity")
    assert lost < -60
    assert found.score.tolist() == [540, 600, 425]
    assert found.floored["activity"].tolist() == [True, False, True]
    assert not found.floored["service"].any()
    low = {line.reads: column_of([-(2**62)]) for line in card.rows}
    high = {line.reads: column_of([2**62]) for line in card.rows}
    worst = {line.reads: (low if line.points[0] < line.points[-1] else high)[line.reads] for line in card.rows}
    assert apply(card, worst, {}).score.tolist() == [300]


def test_a_card_written_by_hand_gives_no_key_twice() -> None:
    """Red if Python's own reader is used: the last of two bases would count, and nobody would be told."""
    text = DAY_ONE_CARD.read_text(encoding="utf-8").replace('"base":', '"base": 1, "base":', 1)
    with pytest.raises(ScorecardMalformed, match="base is given twice"):
        canonical_card(text)
