import numpy as np
import pytest

from scoring.domain.features.columns import column_of
from scoring.domain.policy import Gate, NotScored, judge_gates, judge_scorable
from tests.scoring.domain.values import measures_of


@pytest.mark.parametrize(
    ("orders", "first", "last", "reason", "needed"),
    [
        (10, 90, 89, None, 0),
        (9, 89, 89, NotScored.FEW_ORDERS, 1),
        (10, 400, 90, NotScored.NO_RECENT_SALE, 1),
        (10, 89, 0, NotScored.TOO_YOUNG, 1),
        (10, 60, 0, NotScored.TOO_YOUNG, 30),
    ],
)
def test_the_first_reason_counts_and_says_what_would_change_it(
    orders: int, first: int, last: int, reason: NotScored | None, needed: int
) -> None:
    measured = measures_of({}, {"orders_ever": orders, "first_sale_d": first, "last_sale_d": last})
    found = judge_scorable(measured)
    assert (found.at(1), int(found.needed[1])) == (reason, needed)
    assert (found.at(0), int(found.needed[0])) == (NotScored.FEW_ORDERS, 10)


def test_gates_fire_at_their_thresholds_never_on_null_or_absent() -> None:
    characteristics = {
        "tenure_m": column_of([6, 5, None, None]),
        "recency_d": column_of([30, 31, None, None]),
        "dispute_180m": column_of([149, 150, None, 9_999]),
    }
    failed = judge_gates(characteristics, {"dispute_180m": np.array([False, False, False, True])})
    assert {gate: part.tolist() for gate, part in failed.items()} == {
        gate: [False, True, False, False] for gate in Gate
    }
