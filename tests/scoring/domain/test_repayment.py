"""The level of repayment, and what it is measured from, against the words of the design said again."""

from collections.abc import Iterable
from itertools import product
from random import Random

import duckdb
import ibis
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from config.kernel.exact import INT64_MAX
from scoring.domain.features.columns import column_of
from scoring.domain.features.declarations import NO_REPAYMENT_HISTORY
from scoring.domain.features.repayment import (
    BEHAVIOUR_MEASURE_NAMES,
    BEHAVIOUR_SCHEMA,
    behaviour,
    behaviour_measures,
    repayment_levels,
)
from scoring.domain.scorecard import row_points
from scoring.queries.labels import LEVELS
from tests.scoring.domain.markets import day_one
from tests.scoring.domain.values import measures_of

Fact = tuple[int, int, int, int, int, int]
"""A row of the behaviour, in the order of BEHAVIOUR_SCHEMA."""
[ROW] = [row for row in day_one().rows if row.name == "repayment"]
REPAID = (0, 1, 2, 3, 40)
WORST = (0, 1, 5, 6, 15, 16, 400)
PACES = ((0, 0), (0, 9), (10, 0), (10, 6), (10, 7), (1_000, 699), (1_000, 700), (1_000, 1_001))


def levels_of(*merchants: tuple[int, int, int, int]) -> list[int]:
    names = ("loans_repaid", "max_dpd_365", "open_scheduled", "open_repaid")
    found: list[int] = repayment_levels(
        measures_of(*(dict(zip(names, one, strict=True)) for one in merchants))
    ).tolist()
    return found


def points_said(repaid: int, worst: int, scheduled: int, returned: int) -> int:
    """Say the points as the design does: none 0, one 15, two or more 35; 6-15 days late -15, 16 or more -50; ..."""
    if worst >= 16:
        points = -50
    elif worst >= 6:
        points = -15
    else:
        points = [0, 15, 35][min(repaid, 2)]
    behind = scheduled > 0 and returned / scheduled < 0.7
    return points - 25 if behind else points


def test_every_combination_has_the_points_of_the_design() -> None:
    """Red with `<=` for `<` anywhere in repayment_levels, and with any two levels exchanged."""
    cases = [(repaid, worst, *pace) for repaid, worst, pace in product(REPAID, WORST, PACES)]
    levels = levels_of(*cases)
    found = row_points(ROW, column_of(levels), None).tolist()
    assert found == [points_said(*case) for case in cases]
    assert set(levels) == set(range(10)) == set(range(len(LEVELS))), "each level is reached, and has its words"
    assert len(set(ROW.points)) == 10, "one to one"


def test_nothing_is_the_level_without_history() -> None:
    assert levels_of((0, 0, 0, 0)) == [NO_REPAYMENT_HISTORY]
    assert levels_of() == []


@pytest.mark.parametrize("amount", [2**53, INT64_MAX // 4, INT64_MAX])
def test_large_amounts_do_not_overflow(amount: int) -> None:
    assert levels_of((0, 0, amount, amount), (0, 0, amount, amount // 2)) == [6, 3]


@pytest.fixture(scope="module")
def compiled() -> str:
    return str(ibis.to_sql(behaviour_measures(behaviour()), dialect="duckdb"))


def measured(query: str, facts: Iterable[Fact]) -> dict[int, tuple[int, ...]]:
    with duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE behaviour ({', '.join(f'{name} BIGINT' for name in BEHAVIOUR_SCHEMA.names)})")
        for fact in facts:
            engine.execute(f"INSERT INTO behaviour VALUES {fact}")
        return {row[0]: tuple(row[1:]) for row in engine.execute(query).fetchall()}


def slowly(facts: list[Fact]) -> tuple[int, ...]:
    """Walk the 365 days before as_of, asking of each which fact holds at its end."""
    by_day = {fact[1]: fact for fact in facts}
    holding = [
        by_day[min(before)]
        for d in range(366)  # the last of them is the day before the window, whose fact is in force when it begins
        if (before := [day for day in by_day if day >= d])
    ]
    _, _, _, scheduled, repaid, loans = by_day[min(by_day)]
    return max(fact[2] for fact in holding), loans, scheduled, repaid


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_measures_are_those_of_the_facts_in_force(compiled: str, seed: int) -> None:
    """Red with `>` for `>=` at the window, and without the fact in force when it begins."""
    random = Random(seed)  # noqa: S311
    edges = [0, 1, 363, 364, 365, 366, 367, 500, 900]
    facts: list[Fact] = [
        (merchant, d, random.randint(0, 40), random.randint(0, 9), random.randint(0, 9), random.randint(0, 3))
        for merchant in range(8)
        for d in random.sample(edges, random.randint(0, len(edges)))
    ]
    found = measured(compiled, random.sample(facts, len(facts)))
    merchants = {fact[0] for fact in facts}
    assert found == {merchant: slowly([fact for fact in facts if fact[0] == merchant]) for merchant in merchants}


def test_a_day_late_long_ago_counts_until_the_day_on_which_it_is_a_year_ago(compiled: str) -> None:
    late, paid = (0, 400, 20, 5, 5, 0), (0, 365, 0, 5, 5, 1)
    assert measured(compiled, [late]) == {0: (20, 0, 5, 5)}, "still late"
    assert measured(compiled, [late, paid]) == {0: (0, 1, 5, 5)}, "paid before the 365 days began"
    assert measured(compiled, [late, (0, 364, 0, 5, 5, 1)]) == {0: (20, 1, 5, 5)}


def test_nothing_is_divided_and_nothing_is_a_float() -> None:
    tree = sqlglot.parse_one(str(ibis.to_sql(behaviour_measures(behaviour()), dialect="postgres")), read="postgres")
    assert not list(tree.find_all(exp.Div, exp.Avg))
    assert tuple(behaviour_measures(behaviour()).columns) == ("merchant_id", *BEHAVIOUR_MEASURE_NAMES)
    assert {str(kind) for kind in behaviour_measures(behaviour()).schema().types} <= {"int64", "!int64"}
