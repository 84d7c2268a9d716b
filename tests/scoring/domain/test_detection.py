"""Recall and precision are counted by merchant."""

from fractions import Fraction

import pytest

from scoring.domain.detection import BadTruth, Detection, Gain, Told, detect, gains, read_truth

ROWS = [{"merchant": name, "scheme": "RING", "strength": "20"} for name in "abc"]


def test_cheaters_and_honest_merchants_are_counted_apart() -> None:
    detection = detect(read_truth(ROWS, known=set("abcdefgh")), reviewed={"a", "b", "h"}, merchants=8)
    assert detection == Detection(cheaters=(Told("RING", 20, 3, 2),), honest=5, false_alarms=1)
    assert detection.recall == detection.precision == pytest.approx(2 / 3)


def test_where_there_is_nobody_there_is_no_share() -> None:
    nobody = detect({}, reviewed=set(), merchants=3)
    assert (nobody.recall, nobody.precision) == (None, None)


@pytest.mark.parametrize("row", [{"merchant": "z"}, {}, ROWS[0] | {"strength": "-1"}, ROWS[0] | {"scheme": ""}])
def test_what_cannot_be_true_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(BadTruth, match="row 1"):
        read_truth([row], known={"a"})
    with pytest.raises(BadTruth, match="row 2"):
        read_truth([ROWS[0], ROWS[0]], known={"a"})


def test_a_gain_is_the_difference_of_limits_and_who_has_none_has_nothing() -> None:
    truth = {"a": ("RING", 20), "b": ("RING", 20), "c": ("BURST", 50)}
    found = gains(
        truth,
        {"a": 10, "b": 20, "c": 5},
        cheated={"a": 101, "b": 100},
        honest={"a": 50, "b": 120, "c": 7},
        multiple=Fraction("1.5"),
    )
    assert found == (Gain(20, 2, 151 - 75 + 150 - 180, 30), Gain(50, 1, -10, 5))
