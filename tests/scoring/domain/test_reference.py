from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.features.characteristics import percentiles
from scoring.domain.features.columns import Column, column_of
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES
from scoring.domain.reference import Attributes, CellLevel, freeze, grouped, peers, percentile_cuts


def attributes(*places: tuple[int, str, str, str]) -> Attributes:
    partner, currency, category, region = zip(*places, strict=True)
    return Attributes(partner=partner, currency=currency, category=category, region=region)


def reference_of(size: int, **measures: list[int]) -> dict[str, Column]:
    return {name: column_of(measures.get(name, [0] * size)) for name in REFERENCE_MEASURE_NAMES}


@given(st.lists(st.integers(-1_000, 10**12), min_size=1, max_size=300))
def test_cuts_are_ranks_in_integers(sales: list[int]) -> None:
    ordered = sorted(sales)
    expected = tuple(ordered[ceil(Fraction(p * len(sales), 100)) - 1] for p in range(1, 100))
    assert percentile_cuts(np.array(sales)) == expected


def test_the_28th_cut_of_75_is_the_21st() -> None:
    """Red with ceil(p / 100 * n): 0.28 x 75 is above 21 in floats."""
    assert percentile_cuts(np.arange(1, 76))[27] == 21
    assert percentile_cuts(np.array([], np.int64)) == ()


@pytest.mark.parametrize(
    ("north", "south", "level", "sellers"),
    [(30, 0, CellLevel.REGION, 30), (29, 1, CellLevel.CATEGORY, 30), (29, 0, CellLevel.ALL, 39)],
)
def test_the_cell_is_the_narrowest_with_thirty_sellers(north: int, south: int, level: CellLevel, sellers: int) -> None:
    places = [(1, "EUR", "food", "north")] * north + [(1, "EUR", "food", "south")] * south
    places += [(1, "EUR", "", "")] * 10 + [(1, "USD", "food", "north")] * 50 + [(2, "EUR", "food", "north")] * 50
    idle = [(1, "EUR", "food", "north")] * 40
    size = len(places) + len(idle)
    sold = reference_of(size, sale_rows_90=[1] * len(places) + [0] * len(idle), s_90=list(range(size)))
    frozen = freeze(attributes(*places, *idle), sold)
    number = peers(frozen, attributes((1, "EUR", "food", "north"))).cell[0]
    cell = frozen.cells[number]
    assert (cell.partner_id, cell.currency, cell.level, cell.sellers, len(cell.cuts)) == (1, "EUR", level, sellers, 99)


def test_a_mean_rating_is_its_categorys_or_with_few_sellers_that_of_all() -> None:
    places = [(1, "EUR", "food", "a"), (1, "EUR", "food", "b"), (1, "EUR", "toys", "a")]
    many = [place for place in places for _ in range(15)]
    frozen = freeze(
        attributes(*many),
        reference_of(45, sale_rows_90=[1] * 45, rating_sum_180=[4] * 30 + [5] * 15, ratings_180=[1] * 45),
    )
    assert [(row.category, row.level, row.rating_sum, row.ratings) for row in frozen.ratings] == [
        ("food", CellLevel.CATEGORY, 120, 30),
        ("", CellLevel.ALL, 195, 45),
    ]
    found = peers(frozen, attributes((1, "EUR", "food", "a"), (1, "EUR", "toys", "a")))
    assert list(zip(found.rating_sum.tolist(), found.rating_count.tolist(), strict=True)) == [(120, 30), (195, 45)]


@pytest.mark.parametrize(("named", "carried"), [(8, True), (7, False), (0, False)])
def test_a_feed_carries_buyers_from_eighty_percent_on(named: int, carried: bool) -> None:  # noqa: FBT001
    sold = reference_of(2, sale_rows_180=[4, 6], named_sale_rows_180=[named // 2, named - named // 2])
    [feed] = freeze(attributes((1, "EUR", "", ""), (1, "USD", "", "")), sold).feeds
    assert (Feed.BUYER in feed.carried) is carried


def test_a_feed_without_sales_has_shown_no_buyer_and_one_row_carries_a_kind() -> None:
    seen = reference_of(2, refund_rows_365=[0, 1])
    [feed] = freeze(attributes((1, "EUR", "", ""), (1, "USD", "", "")), seen).feeds
    assert feed.carried == (Feed.REFUND,)


def test_what_was_frozen_is_looked_up_by_place_and_strangers_have_no_peers() -> None:
    places = [(1, "EUR", "food", "n"), (1, "JPY", "food", "n"), (2, "EUR", "", "")]
    sold = reference_of(
        3,
        sale_rows_90=[1, 0, 1],
        s_90=[50, 0, 70],
        rating_sum_180=[9, 0, 0],
        ratings_180=[2, 0, 0],
        review_rows_365=[2, 0, 0],
    )
    frozen = freeze(attributes(*places), sold)

    found = peers(frozen, attributes((2, "EUR", "", ""), *places, (3, "EUR", "food", "n")))

    assert percentiles(np.array([70, 49, 0, 69, 10**9]), found).tolist() == [99, 0, None, 0, None]
    assert found.rating_sum.tolist() == [0, 9, 0, 0, 0]
    assert found.rating_count.tolist() == [0, 2, 0, 0, 0]
    assert found.carried[Feed.REVIEW].tolist() == [False, True, True, False, False]


def test_no_merchant_has_no_references() -> None:
    nobody = Attributes(partner=[], currency=[], category=[], region=[])
    frozen = freeze(nobody, reference_of(0))
    assert (frozen.cells, frozen.ratings, frozen.feeds) == ((), (), ())
    assert len(peers(frozen, nobody).cell) == 0


@given(st.lists(st.sampled_from("abc")))
def test_groups_part_the_positions(keys: list[str]) -> None:
    groups = {key: rows.tolist() for key, rows in grouped(keys).items()}
    assert groups == {key: [row for row, other in enumerate(keys) if other == key] for key in dict.fromkeys(keys)}
