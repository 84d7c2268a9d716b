"""Freeze what other merchants say to a score: percentile cuts, mean ratings, what feeds carry.

Frozen once a run from the reference measures of all merchants, stored as rows, and looked up again by every
shard, single score and replay.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np

from scoring.domain.features.characteristics import Peers
from scoring.domain.features.columns import Booleans, Column, Int64s
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import CARRIED_KINDS

K = TypeVar("K", bound=Hashable)

CUTS: Final = 99
FEWEST_SELLERS: Final = 30
NAMED_OF_TEN: Final = 8
"""Buyers are carried if at least eight in ten SALE rows of 180 days name one."""


class CellLevel(StrEnum):
    """Name whom a merchant is compared with: the narrowest of these that holds 30 sellers, else all."""

    REGION = "REGION"
    CATEGORY = "CATEGORY"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """Hold the merchants' own attributes as pinned by a run, row by row; an empty text is a value."""

    partner: Sequence[int]
    currency: Sequence[str]
    category: Sequence[str]
    region: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileCell:
    """Hold the cuts for one category and region: net sales of 90 days, minor units; none without a seller."""

    partner: int
    currency: str
    category: str
    region: str
    level: CellLevel
    sellers: int
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRating:
    """Hold the reviews of 180 days of one category: the mean is rating_sum ÷ ratings, kept exact."""

    partner: int
    currency: str
    category: str
    level: CellLevel
    rating_sum: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCarriage:
    """Say what one partner's feed carries."""

    partner: int
    carried: frozenset[Feed]


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Hold one frozen set of references, as rows in key order."""

    cells: tuple[PercentileCell, ...]
    ratings: tuple[CategoryRating, ...]
    feeds: tuple[FeedCarriage, ...]


def freeze(attributes: Attributes, measured: Mapping[str, Column]) -> References:
    """Freeze the references from all merchants' REFERENCE_MEASURE_NAMES, in the order of `attributes`.

    A seller is a merchant with a SALE in 90 days, scored or not; one partner and currency is compared only
    with itself.
    """
    markets = list(zip(attributes.partner, attributes.currency, strict=True))
    categories = [(*market, category) for market, category in zip(markets, attributes.category, strict=True)]
    regions = [(*key, region) for key, region in zip(categories, attributes.region, strict=True)]
    of_market, of_category, of_region = grouped(markets), grouped(categories), grouped(regions)
    return References(
        cells=_cells(of_market, of_category, of_region, measured),
        ratings=_ratings(of_market, of_category, measured),
        feeds=_feeds(grouped(list(attributes.partner)), measured),
    )


def peers(references: References, attributes: Attributes) -> Peers:
    """Look up what the references say to each merchant; one whose cell was not frozen has none."""
    keys = [(cell.partner, cell.currency, cell.category, cell.region) for cell in references.cells]
    filled = [number for number, cell in enumerate(references.cells) if cell.cuts]
    place = {keys[number]: row for row, number in enumerate(filled)}
    cuts = np.array([references.cells[number].cuts for number in filled], np.int64).reshape(len(filled), CUTS)
    places = zip(attributes.partner, attributes.currency, attributes.category, attributes.region, strict=True)
    means = {(row.partner, row.currency, row.category): (row.rating_sum, row.ratings) for row in references.ratings}
    categories = zip(attributes.partner, attributes.currency, attributes.category, strict=True)
    rating = np.array([means.get(key, (0, 0)) for key in categories], np.int64).reshape(-1, 2)
    carried = {row.partner: row.carried for row in references.feeds}
    nothing = frozenset[Feed]()
    return Peers(
        cell=np.array([place.get(key, -1) for key in places], np.int64),
        cuts=cuts,
        rating_sum=rating[:, 0],
        rating_count=rating[:, 1],
        carried={
            feed: np.array([feed in carried.get(partner, nothing) for partner in attributes.partner], np.bool_)
            for feed in Feed
        },
    )


def percentile_cuts(sales: Int64s) -> tuple[int, ...]:
    """Cut the sellers' sales at rank ceil(p n ÷ 100) from below, p = 1 to 99; () without a seller.

    In integers: 0.28 x 75 is above 21 in floats, and would take rank 22.
    """
    if not len(sales):
        return ()
    ranks = (np.arange(1, CUTS + 1) * len(sales) + CUTS) // 100
    return tuple(np.sort(sales)[ranks - 1].tolist())


def grouped(keys: Sequence[K]) -> dict[K, Int64s]:
    """Give the positions of each key, keys in order of appearance."""
    code: dict[K, int] = {}
    codes = np.array([code.setdefault(key, len(code)) for key in keys], np.int64)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    return dict(zip(code, np.split(order, starts), strict=True)) if keys else {}


def _cells(
    of_market: Mapping[tuple[int, str], Int64s],
    of_category: Mapping[tuple[int, str, str], Int64s],
    of_region: Mapping[tuple[int, str, str, str], Int64s],
    measured: Mapping[str, Column],
) -> tuple[PercentileCell, ...]:
    sales, sells = measured["s_90"].values, measured["sale_rows_90"].values > 0
    wider: dict[tuple[int, str, str], tuple[CellLevel, int, tuple[int, ...]]] = {}
    cells: list[PercentileCell] = []
    for partner, currency, category, region in sorted(of_region):
        rows = of_region[partner, currency, category, region]
        sellers = rows[sells[rows]]
        if len(sellers) >= FEWEST_SELLERS:
            level, number, cuts = CellLevel.REGION, len(sellers), percentile_cuts(sales[sellers])
        else:
            key = (partner, currency, category)
            if key not in wider:
                level, rows = _widened(of_category[key], of_market[partner, currency], sells)
                wider[key] = (level, len(rows), percentile_cuts(sales[rows]))
            level, number, cuts = wider[key]
        cells.append(
            PercentileCell(
                partner=partner,
                currency=currency,
                category=category,
                region=region,
                level=level,
                sellers=number,
                cuts=cuts,
            )
        )
    return tuple(cells)


def _widened(category: Int64s, market: Int64s, sells: Booleans) -> tuple[CellLevel, Int64s]:
    """Give the sellers of the category if there are enough, else of all."""
    sellers = category[sells[category]]
    if len(sellers) >= FEWEST_SELLERS:
        return CellLevel.CATEGORY, sellers
    return CellLevel.ALL, market[sells[market]]


def _ratings(
    of_market: Mapping[tuple[int, str], Int64s],
    of_category: Mapping[tuple[int, str, str], Int64s],
    measured: Mapping[str, Column],
) -> tuple[CategoryRating, ...]:
    sells: Booleans = measured["sale_rows_90"].values > 0
    sums, counts = measured["rating_sum_180"].values, measured["ratings_180"].values
    found: list[CategoryRating] = []
    for partner, currency, category in sorted(of_category):
        rows, level = of_category[partner, currency, category], CellLevel.CATEGORY
        if int(sells[rows].sum()) < FEWEST_SELLERS:
            rows, level = of_market[partner, currency], CellLevel.ALL
        found.append(
            CategoryRating(
                partner=partner,
                currency=currency,
                category=category,
                level=level,
                rating_sum=int(sums[rows].sum()),
                ratings=int(counts[rows].sum()),
            )
        )
    return tuple(found)


def _feeds(of_partner: Mapping[int, Int64s], measured: Mapping[str, Column]) -> tuple[FeedCarriage, ...]:
    found: list[FeedCarriage] = []
    for partner, rows in sorted(of_partner.items()):
        carried = {Feed(kind) for kind in CARRIED_KINDS if measured[f"{kind.lower()}_rows_365"].values[rows].any()}
        sold = int(measured["sale_rows_180"].values[rows].sum())
        named = int(measured["named_sale_rows_180"].values[rows].sum())
        if sold and named * 10 >= sold * NAMED_OF_TEN:
            carried.add(Feed.BUYER)
        found.append(FeedCarriage(partner=partner, carried=frozenset(carried)))
    return tuple(found)
