"""What holds of every provision, whatever the loan; and which policies are refused."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.daycount import DayCount
from config.kernel.policies import PolicyMalformed
from lending.domain.books.ledger import Position
from lending.domain.books.projection import AccrualCarry
from lending.domain.books.provision import (
    Before,
    Exposure,
    Left,
    Period,
    Stage,
    category_of,
    expected_loss,
    periods_of,
    provide,
)
from lending.domain.books.provision_movement import Line, Moved, movement_tables
from lending.domain.books.provision_policy import Basis, Category, canonical_policy, parse_policy
from tests.lending.provisions import MARCH_END, policy, policy_text

MILLION = 1_000_000
amounts = st.integers(0, 10**12)
dpds = st.integers(0, 800)
pds = st.none() | st.integers(0, MILLION)


@st.composite
def exposures(draw: st.DrawFn) -> Exposure:
    days = sorted(draw(st.sets(st.integers(1, 1_500), min_size=1, max_size=8)))
    owed = sorted((draw(amounts) for _ in days), reverse=True)
    dpd = draw(dpds)
    return Exposure(
        on=MARCH_END,
        dpd=dpd,
        worst_dpd=max(dpd, draw(dpds)),
        re_aged_on=draw(st.none() | st.dates(date(2024, 1, 1), MARCH_END)),
        pd_ppm=draw(pds),
        origination_pd_ppm=draw(pds),
        lgd_bps=draw(st.integers(0, 10_000)),
        rate_ppm=draw(st.integers(0, 3 * MILLION)),
        ead_minor=draw(amounts),
        periods=tuple(map(Period, days, owed)),
        least_stage=draw(st.sampled_from(Stage)),
        borrower_defaulted=draw(st.booleans()),
    )


befores = st.none() | st.builds(
    Before, stage=st.sampled_from(Stage), good_months=st.integers(0, 3), worst_dpd=st.integers(0, 800)
)
policies = st.sampled_from(Basis).map(lambda basis: policy(basis=basis))


@given(policies, exposures(), befores)
def test_a_provision_is_within_what_is_owed_and_its_basis(policy: Any, exposure: Exposure, before: Before) -> None:  # noqa: ANN401
    made = provide(policy, exposure, before)
    assert 0 <= made.ecl_minor <= exposure.ead_minor
    assert 0 <= made.minimum_minor <= exposure.ead_minor
    least = exposure.ead_minor * policy.categories[made.category].minimum_bps / 10_000
    assert abs(made.minimum_minor - least) <= 1
    if policy.basis is not Basis.IFRS9:
        assert made.provision_minor >= made.minimum_minor
    if policy.basis is not Basis.MINIMUM:
        assert made.provision_minor >= made.ecl_minor
    assert made.provision_minor in {made.ecl_minor, made.minimum_minor}


@given(policies, exposures(), befores, st.integers(0, 400))
def test_more_days_past_due_never_lower_it(policy: Any, exposure: Exposure, before: Before, more: int) -> None:  # noqa: ANN401
    """Red if a stage, a category or a floor were better for a later loan."""
    later = replace(exposure, dpd=exposure.dpd + more, worst_dpd=max(exposure.worst_dpd, exposure.dpd + more))
    was, now = provide(policy, exposure, before), provide(policy, later, before)
    assert now.stage >= was.stage
    assert list(Category).index(now.category) >= list(Category).index(was.category)
    assert now.provision_minor >= was.provision_minor
    assert now.ecl_minor >= was.ecl_minor


@given(exposures(), st.integers(0, MILLION), st.integers(0, MILLION))
def test_a_worse_stage_or_pd_never_lowers_the_loss(exposure: Exposure, one: int, other: int) -> None:
    low, high = sorted((one, other))
    by_stage = [expected_loss(exposure, stage=stage, pd_ppm=low) for stage in Stage]
    assert by_stage == sorted(by_stage)
    for stage in Stage:
        assert expected_loss(exposure, stage=stage, pd_ppm=0) in {0, by_stage[2]}
    flat = replace(exposure, periods=exposure.periods[:1])
    assert expected_loss(flat, stage=Stage.TWO, pd_ppm=low) <= expected_loss(flat, stage=Stage.TWO, pd_ppm=high)


@given(exposures(), befores, st.integers(0, MILLION))
def test_twice_the_same_is_twice_as_much(exposure: Exposure, before: Before, minor: int) -> None:
    """Red if an amount were rounded before the end, or a term of it did not grow with the loan."""
    scaled = replace(
        exposure,
        ead_minor=minor * 1_000,
        periods=tuple(replace(period, exposure_minor=minor * 1_000) for period in exposure.periods),
    )
    small = replace(
        scaled, ead_minor=minor, periods=tuple(replace(one, exposure_minor=minor) for one in scaled.periods)
    )
    made = [provide(policy(), one, before).ecl_minor for one in (small, scaled)]
    assert abs(made[0] * 1_000 - made[1]) <= 500


@given(st.lists(st.tuples(st.sampled_from([None, *Stage]), st.sampled_from([None, *Stage]), amounts, amounts)))
def test_every_column_adds_up(moves: list[tuple[Stage | None, Stage | None, int, int]]) -> None:
    """Red if a line were left out, had the wrong sign, or a transfer lost something."""
    told = [
        Moved(
            currency="CNY",
            before=before,
            stage=stage,
            left=None if stage else Left.WRITTEN_OFF,
            before_minor=was if before else 0,
            provision_minor=now if stage else 0,
        )
        for before, stage, was, now in moves
        if before or stage
    ]
    for table in movement_tables(told):
        between = [table.of(line) for line in Line if line is not Line.CLOSING]
        assert [sum(column) for column in zip(*between, strict=True)] == list(table.of(Line.CLOSING))
        for line in (Line.TO_STAGE_1, Line.TO_STAGE_2, Line.TO_STAGE_3):
            assert sum(table.of(line)) == 0
        assert sum(table.of(Line.OPENING)) == sum(one.before_minor for one in told)


def test_periods_are_what_is_owed_before_each_payment() -> None:
    """100.00 at 36.5 % a year earns 0.10 a day: two rows ahead, one past due, which is paid with the first of them."""
    position = Position(
        disbursed_minor=12_000, principal_minor=10_000, interest_minor=300, penalty_minor=7, fees_minor=50
    )
    carry = AccrualCarry(day_count=DayCount.ACT_365F, rate_numerator=365, denominator=1_000 * 365)
    left = [(date(2026, 3, 10), 2_000), (date(2026, 4, 11), 5_000), (date(2026, 5, 11), 3_000)]
    asked: dict[str, Any] = {"on": MARCH_END, "position": position, "carry": carry, "past_maturity_days": 90}
    owed = 10_000 + 300 + 7 + 50
    assert periods_of(**asked, left=left) == (Period(11, owed + 100), Period(41, 3_000 + 90))
    assert periods_of(**asked, left=left[:1]) == (Period(90, owed),)
    assert periods_of(**asked, left=[*left, (date(2026, 6, 11), 0)]) == periods_of(**asked, left=left)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"default_dpd": 30}, "default_dpd: 30 is not above late_dpd"),
        ({"least_risen_pd_ppm": 400}, "least_risen_pd_ppm"),
        ({"pd_ratio": "0.5"}, "pd_ratio"),
        ({"pd_ratio": 2}, "pd_ratio"),
        ({"re_aged_stage": 1}, "re_aged_stage"),
        ({"basis": "BOTH"}, "basis"),
        ({"conversion_bps": 10_001}, "conversion_bps"),
        ({"cure_3_months": True}, "cure_3_months"),
        ({"more": 1}, "'more' is an unknown field"),
        ({"categories": {"NORMAL": {"from_dpd": 0, "minimum_bps": 100}}}, "exactly NORMAL, SPECIAL_MENTION"),
    ],
)
def test_a_policy_that_says_nonsense_is_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(PolicyMalformed, match=what):
        policy(**changes)


@pytest.mark.parametrize(
    ("category", "rule"),
    [
        ("NORMAL", {"from_dpd": 1, "minimum_bps": 100}),
        ("SPECIAL_MENTION", {"from_dpd": 91, "minimum_bps": 200}),
        ("DOUBTFUL", {"from_dpd": 271, "minimum_bps": 2_400}),
    ],
)
def test_no_worse_category_is_provided_for_less(category: str, rule: dict[str, int]) -> None:
    rules = {name: {"from_dpd": one.from_dpd, "minimum_bps": one.minimum_bps} for name, one in
             policy().categories.items()}  # fmt: skip
    with pytest.raises(PolicyMalformed, match="categories"):
        policy(categories={**rules, category: rule})


def test_a_policy_is_stored_in_one_form() -> None:
    content, sha256 = canonical_policy(policy_text())
    assert canonical_policy(content) == (content, sha256)
    assert parse_policy(content, sha256) == policy()
    with pytest.raises(PolicyMalformed, match="is not that of the hash"):
        parse_policy(content.replace("GREATER", "MINIMUM"), sha256)
    with pytest.raises(PolicyMalformed, match="document"):
        canonical_policy("[")


def test_the_worst_of_days_and_impairment_counts() -> None:
    assert category_of(policy(), 400, is_impaired=True) is Category.LOSS
    assert category_of(policy(), 0, is_impaired=True) is Category.SUBSTANDARD
