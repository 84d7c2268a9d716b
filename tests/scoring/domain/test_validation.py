from random import Random

import numpy as np
import pytest

from scoring.domain.validation import rank


def ranked(good: list[int], bad: list[int]) -> tuple[float, tuple[float, float] | None]:
    found = rank(np.array([*good, *bad]), np.array([False] * len(good) + [True] * len(bad)))
    assert found is not None
    assert (found.good, found.bad) == (len(good), len(bad))
    return found.auc, found.interval


@pytest.mark.parametrize(
    ("good", "bad", "auc"),
    [
        ([600, 610, 620], [500], 1.0),
        ([500, 600, *[550] * 58], [550], 0.5),
        ([500], [600, 610, 620], 0.0),
        ([550] * 30, [550] * 30, 0.5),
        ([600, 610, 620], [500, 510], 1.0),
    ],
)
def test_what_a_sample_cannot_carry_is_not_claimed(good: list[int], bad: list[int], auc: float) -> None:
    """Red if one bad loan gave an interval, or a variance of nought passed for certainty."""
    assert ranked(good, bad) == (auc, None)


def test_an_interval_of_enough_holds_the_truth_and_narrows() -> None:
    random = Random(3)  # noqa: S311
    widths = []
    for size in (20, 2_000):
        good = [random.gauss(1, 1) for _ in range(size)]
        bad = [random.gauss(0, 1) for _ in range(size)]
        auc, interval = ranked([round(score * 1_000) for score in good], [round(score * 1_000) for score in bad])
        assert interval is not None
        assert 0 <= interval[0] < auc < interval[1] <= 1
        assert interval[0] < 0.760 < interval[1]  # P(N(1, 2) > 0)
        widths.append(interval[1] - interval[0])
    assert widths[1] < widths[0] / 5
