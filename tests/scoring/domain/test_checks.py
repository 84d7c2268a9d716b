import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.checks import (
    Check,
    CheckName,
    CheckNote,
    RunSummary,
    check_run,
    population_stability,
    psi_null_bound,
)


def run(scores: dict[int, int], *, nulls: int = 0, grades: tuple[int, ...] = (), merchants: int = 0) -> RunSummary:
    scored = sum(scores.values())
    return RunSummary(
        merchants=merchants or scored,
        scored=scored,
        nulls={"growth_90": nulls, "season": 0},
        scores=scores,
        grades=grades,
    )


def checked(now: RunSummary, last: RunSummary | None, expected: int | None = None) -> dict[CheckName, Check]:
    return {check.name: check for check in check_run(now, last, expected=expected or now.merchants)}


EVEN = dict.fromkeys(range(500, 700, 5), 100)


@pytest.mark.parametrize(
    ("merchants", "expected", "passed"),
    [(90, 100, True), (89, 100, False), (9_901, 10_000, True), (10_101, 10_000, False)],
)
def test_rows_may_be_off_by_ten_or_one_percent(merchants: int, expected: int, passed: bool) -> None:  # noqa: FBT001
    assert checked(run({600: merchants}), None, expected)[CheckName.ROW_COUNT].passed is passed


def test_the_first_run_has_no_yesterday_and_says_so() -> None:
    found = checked(run(EVEN), None)
    assert {name for name, check in found.items() if check.note is CheckNote.FIRST_RUN} == set(CheckName) - {
        CheckName.ROW_COUNT
    }
    assert all(check.passed for check in found.values())
    assert checked(run(EVEN), run({}))[CheckName.SCORE_PSI].note is CheckNote.NOBODY_SCORED
    assert checked(run(EVEN), run(EVEN))[CheckName.GRADE_SHARES].note is CheckNote.NO_GRADES


def test_the_same_run_again_passes_and_a_shifted_one_does_not() -> None:
    assert checked(run(EVEN), run(EVEN))[CheckName.SCORE_PSI].value == 0
    shifted = checked(run({score - 40: count for score, count in EVEN.items()}), run(EVEN))[CheckName.SCORE_PSI]
    assert not shifted.passed
    assert shifted.bound == 20_000
    assert shifted.value > 100_000


def test_among_few_merchants_the_bound_is_what_chance_gives() -> None:
    few = dict.fromkeys(range(500, 600), 1)
    bound = checked(run(few), run(few))[CheckName.SCORE_PSI].bound
    assert bound == 338_380  # (1/100 + 1/100) x 16.919


def test_scores_that_are_all_the_same_give_one_bin() -> None:
    assert checked(run({600: 50}), run({600: 70}))[CheckName.SCORE_PSI].passed
    assert psi_null_bound(1, 50, 70) == 0


def test_null_rates_and_grade_shares_name_what_moved_most() -> None:
    nulls = checked(run(EVEN, nulls=600), run(EVEN, nulls=200))[CheckName.NULL_RATES]
    assert (nulls.value, nulls.bound, nulls.passed, nulls.worst) == (1_000, 500, False, "growth_90")
    left, right = (0, 0, 400, 3_000, 600, 0, 0), (0, 0, 400, 2_900, 700, 0, 0)
    grades = checked(run(EVEN, grades=left), run(EVEN, grades=right))[CheckName.GRADE_SHARES]
    assert (grades.value, grades.passed) == (250, True)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=10), st.randoms())
def test_psi_is_symmetric_never_negative_and_zero_for_the_same(counts: list[int], random: object) -> None:
    now = np.array(counts)
    before = np.array(random.sample(counts, len(counts)))  # type: ignore[attr-defined]
    assert population_stability(now, now) == 0
    assert population_stability(now, before) == pytest.approx(population_stability(before, now))
    assert population_stability(now, before) >= 0


def test_chance_alone_stays_below_the_null_bound_in_nineteen_of_twenty_runs() -> None:
    random = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    values = [population_stability(*(random.multinomial(n, shares) for n in (800, 1_200))) for _ in range(2_000)]
    exceeded = np.mean(np.array(values) > psi_null_bound(10, 800, 1_200))
    assert 0.035 < exceeded < 0.065


@pytest.mark.parametrize(
    ("before", "now", "passed"),
    [
        (941, 0, False),
        (941, 94, False),
        (941, 894, True),
        (941, 893, False),
        (941, 2_000, True),
        (12, 2, True),
        (5, 0, False),
    ],
)
def test_a_feed_that_stopped_is_seen_although_all_shares_stay(before: int, now: int, passed: bool) -> None:  # noqa: FBT001
    """Red without SCORED_COUNT: every other check looks at shares among those who are left."""
    found = checked(run({600: now} if now else {}, merchants=3_095), run({600: before}, merchants=3_095))
    assert found[CheckName.SCORED_COUNT].passed is passed
    assert all(check.passed for name, check in found.items() if name is not CheckName.SCORED_COUNT)
