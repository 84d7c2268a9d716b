from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.canonical import sha256_of
from scoring.domain.calibration import (
    GRADES,
    PD_BELOW_PPM,
    SLOPE_MICRO,
    Calibration,
    CalibrationRefusal,
    CalibrationRefused,
    Grade,
    calibrate,
    canonical_calibration,
    grades_of,
    parse_calibration,
    pd_ppm,
    pds_of,
    refuse_live,
    require_live,
    solve_intercept,
)

some_scores = st.lists(st.integers(300, 850), min_size=1, max_size=60)


def solved(scores: list[int], target_ppm: int = 50_000) -> Calibration:
    points = {"tenure_m": np.arange(len(scores))}
    return calibrate(
        np.array(scores), points, scorecard_sha256="f" * 64, lowest=300, highest=850, target_ppm=target_ppm
    )


@given(st.integers(300, 849), st.integers(-5_000_000, 5_000_000))
def test_pd_falls_with_the_score_and_is_the_formula(score: int, intercept: int) -> None:
    here, above = (pd_ppm(one, intercept, SLOPE_MICRO) for one in (score, score + 1))
    assert above <= here
    z = (score - 427.123) / 57.708
    assert here == pytest.approx(1_000_000 / (1 + exp(intercept / 1e6 + 0.7 * z)), abs=0.51)


def test_six_hundred_points_are_odds_of_twenty_to_one_and_forty_double_them() -> None:
    """Of the bare scale: a = 0, b = 1."""
    assert pd_ppm(600, 0, 1_000_000) == pytest.approx(1_000_000 / 21, abs=1)
    assert pd_ppm(640, 0, 1_000_000) == pytest.approx(1_000_000 / 41, abs=1)


@given(some_scores, st.integers(1_000, 400_000))
def test_the_intercept_is_the_least_that_keeps_the_mean_at_the_target(scores: list[int], target: int) -> None:
    found = solve_intercept(np.array(scores), target_ppm=target)

    def mean(intercept: int) -> float:
        return sum(1 / (1 + exp(intercept / 1e6 + 0.7 * (score - 427.123) / 57.708)) for score in scores) / len(scores)

    assert mean(found) * 1e6 <= target + 1e-6
    assert mean(found - 1) * 1e6 > target - 1e-6
    assert solve_intercept(np.array(scores[::-1] * 2), target_ppm=target) == found


@pytest.mark.parametrize(
    ("scores", "target", "reason"),
    [
        ([], 50_000, CalibrationRefusal.NOBODY_PASSES),
        ([600], 0, CalibrationRefusal.TARGET_OUT_OF_REACH),
        ([600], 1_000_000, CalibrationRefusal.TARGET_OUT_OF_REACH),
    ],
)
def test_what_cannot_be_solved_is_refused(scores: list[int], target: int, reason: CalibrationRefusal) -> None:
    with pytest.raises(CalibrationRefused) as refused:
        solve_intercept(np.array(scores, np.int64), target_ppm=target)
    assert refused.value.reason is reason


def test_grades_are_half_open_in_parts_per_million() -> None:
    for number, bound in enumerate(PD_BELOW_PPM):
        assert [GRADES[grade] for grade in grades_of(np.array([bound - 1, bound]))] == list(GRADES[number : number + 2])
    assert GRADES[int(grades_of(np.array([1_000_000]))[0])] is Grade.D


def test_the_cut_off_is_the_lowest_score_of_c1_and_the_means_are_of_those_just_above() -> None:
    scores = list(range(400, 800))
    calibration = solved(scores)
    cut_off = calibration.cut_off
    assert cut_off is not None
    assert pds_of(np.array([cut_off]), calibration)[0] < 91_000 <= pds_of(np.array([cut_off - 1]), calibration)[0]
    assert calibration.reference_merchants == 41
    assert calibration.reference_points == {"tenure_m": sum(range(cut_off - 400, cut_off - 400 + 41))}
    assert sum(calibration.population) == 400


@pytest.mark.parametrize(("b1", "refused"), [(3, ()), (2, (Grade.B1,))])
def test_a_calibration_goes_live_if_each_of_b1_to_c1_holds_three_percent(b1: int, refused: tuple[Grade, ...]) -> None:
    example = solved([600])
    held = {Grade.B1: b1, Grade.B2: 60, Grade.C1: 3, Grade.D: 34 + 3 - b1}
    calibration = Calibration(
        **{name: getattr(example, name) for name in Calibration.__slots__ if name != "population"},
        population=tuple(held.get(grade, 0) for grade in GRADES),
    )
    assert refuse_live(calibration) == refused
    if refused:
        with pytest.raises(CalibrationRefused) as error:
            require_live(calibration)
        assert error.value.reason is CalibrationRefusal.GRADE_TOO_SMALL
    else:
        require_live(calibration)


@given(some_scores)
def test_a_calibration_is_read_as_it_was_written(scores: list[int]) -> None:
    calibration = solved(scores)
    text, sha256 = canonical_calibration(calibration)
    assert parse_calibration(text, sha256) == calibration


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"slope_micro":700000', '"slope_micro":0', CalibrationRefusal.MALFORMED),
        ('"slope_micro":700000', '"slope_micro":700000.0', CalibrationRefusal.MALFORMED),
        ('"slope_micro":700000', '"slope_micro":700000,"x":1', CalibrationRefusal.MALFORMED),
        ('"slope_micro":700000', '"slope_micro": 700000', CalibrationRefusal.MALFORMED),
        ('"population":[', '"population":[0,', CalibrationRefusal.MALFORMED),
        ("}", "", CalibrationRefusal.MALFORMED),
    ],
)
def test_a_malformed_calibration_is_refused(old: str, new: str, reason: CalibrationRefusal) -> None:
    text, sha256 = canonical_calibration(solved([600, 640]))
    changed = text.replace(old, new)
    assert changed != text
    with pytest.raises(CalibrationRefused) as refused:
        parse_calibration(changed, sha256_of(changed))
    assert refused.value.reason is reason
    with pytest.raises(CalibrationRefused) as refused:
        parse_calibration(changed, sha256)
    assert refused.value.reason is CalibrationRefusal.HASH_DIFFERS
