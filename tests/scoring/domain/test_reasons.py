from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.calibration import Calibration
from scoring.domain.policy import Gate
from scoring.domain.reasons import GATE_FAMILIES, choose_reasons, reason_codes
from tests.scoring.domain.markets import day_one
from tests.scoring.domain.test_calibration import solved

CARD = day_one()
CODES = reason_codes(CARD)


def against(means: dict[str, int], merchants: int = 1) -> Calibration:
    example = solved([600])
    kept = {name: getattr(example, name) for name in Calibration.__slots__ if not name.startswith("reference_")}
    return Calibration(**kept, reference_points=means, reference_merchants=merchants)


def reasons(
    points: dict[str, int],
    calibration: Calibration,
    *,
    absent: frozenset[str] = frozenset(),
    gates: Any = (),  # noqa: ANN401
) -> list[str]:
    found = choose_reasons(
        CARD,
        calibration,
        {row.name: np.array([points.get(row.name, 0)]) for row in CARD.rows},
        {name: np.array([True]) for name in absent},
        {gate: np.array([gate in gates]) for gate in Gate},
    )
    assert found.shape == (1, 4)
    return [CODES[code] for code in found[0].tolist() if code >= 0]


def test_most_points_lost_first_one_a_family_at_most_four() -> None:
    lost = {"tenure_m": -25, "sales_90": -8, "resilience": -35, "trend_12": -20, "cv_week_180": -8, "recency_d": -15}
    assert reasons(lost, against({})) == ["resilience", "tenure_m", "trend_12", "recency_d"]


def test_losses_are_measured_against_the_means_exactly() -> None:
    """A mean of 10 ÷ 3 makes 3 points a loss and 4 none; red if the mean is cut to an integer."""
    means = against({"tenure_m": 10, "repeat_180": 10}, merchants=3)
    assert reasons({"tenure_m": 3, "repeat_180": 4}, means) == ["tenure_m"]


def test_failed_gates_come_first_and_speak_for_their_family() -> None:
    lost = {"tenure_m": -25, "recency_d": -35, "refund_value_90m": -60, "cv_week_180": -5}
    assert reasons(lost, against({}), gates=[Gate.RECENCY]) == [
        "RECENCY",
        "refund_value_90m",
        "tenure_m",
        "cv_week_180",
    ]
    assert reasons(lost, against({}), gates=list(Gate)) == ["TENURE", "RECENCY", "DISPUTES", "cv_week_180"]


def test_what_the_feed_does_not_carry_is_no_reason() -> None:
    means = against({"rating_180": 8, "tenure_m": 1})
    assert reasons({}, means) == ["rating_180", "tenure_m"]
    assert reasons({}, means, absent=frozenset({"rating_180"})) == ["tenure_m"]


def test_equal_losses_go_in_the_order_of_the_card_and_gains_are_no_reason() -> None:
    assert reasons({"recency_d": -5, "trend_12": -5, "growth_90": -5, "sales_90": 9}, against({})) == [
        "growth_90",
        "recency_d",
    ]


@given(st.lists(st.fixed_dictionaries({row.name: st.integers(-60, 35) for row in CARD.rows}), min_size=1, max_size=5))
def test_many_merchants_are_one_merchant_many_times(merchants: list[dict[str, int]]) -> None:
    calibration = against({row.name: number for number, row in enumerate(CARD.rows)}, merchants=2)
    found = choose_reasons(
        CARD,
        calibration,
        {row.name: np.array([points[row.name] for points in merchants]) for row in CARD.rows},
        {},
        {gate: np.zeros(len(merchants), np.bool_) for gate in Gate},
    )
    for codes, points in zip(found.tolist(), merchants, strict=True):
        names = [CODES[code] for code in codes if code >= 0]
        assert names == reasons(points, calibration)
        assert len({CARD.families[name] for name in names}) == len(names)


def test_every_gate_has_a_family_of_the_card() -> None:
    assert set(GATE_FAMILIES) == set(Gate)
    assert set(GATE_FAMILIES.values()) <= set(CARD.floors)
