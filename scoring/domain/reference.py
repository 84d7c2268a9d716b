"""Freeze what scores need of other merchants: percentile cuts, mean ratings, what feeds carry.

Frozen once a run from the reference measures of all merchants, stored as rows, and looked up again by every
shard, single score and replay.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np

from config.kernel.exact import Int64s
from scoring.domain.features.characteristics import Peers
from scoring.domain.features.columns import Booleans, Column
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import CARRIED_KINDS

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Key = tuple[int, str, str, str]
"""Partner, currency, category, region; empty below the level of a group."""

CUTS: Final = 99
FEWEST_SELLERS: Final = 30
NAMED_OF_TEN: Final = 8
"""Buyers are carried if at least eight in ten SALE rows of 180 days name one."""


class CellLevel(StrEnum):
    """Whom a merchant is compared with: the narrowest that holds 30 sellers, else all."""

    REGION = "REGION"
    CATEGORY = "CATEGORY"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The merchants' own attributes as pinned by a run, row by row; an empty text is a value."""

    partner: Sequence[int]
    currency: Sequence[str]
    category: Sequence[str]
    region: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileCell:
    """The cuts of one group of sellers: net sales of 90 days, minor units.

    category and region name the group as far as its level, and are empty below.
    """

    partner_id: int
    currency: str
    level: CellLevel
    category: str
    region: str
    sellers: int
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRating:
    """The reviews of 180 days of a category or of all: the mean is rating_sum ÷ ratings, kept exact."""

    partner_id: int
    currency: str
    level: CellLevel
    category: str
    rating_sum: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCarriage:
    """What one partner's feed carries, and what in it does not add up, over 365 days.

    unsold_reversals: rows; settled_above_paid: orders under ESCROW.
    """

    partner_id: int
    carried: tuple[Feed, ...]
    unsold_reversals: int = 0
    settled_above_paid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """One frozen set of references, as rows in key order."""

    cells: tuple[PercentileCell, ...]
    ratings: tuple[MeanRating, ...]
    feeds: tuple[FeedCarriage, ...]


def freeze(attributes: Attributes, measured: Mapping[str, Column]) -> References:
    """Freeze the references from all merchants' REFERENCE_MEASURE_NAMES, in the order of `attributes`.

    A seller is a merchant with a SALE in 90 days, scored or not; merchants are compared within one partner and
    currency. A category, or a region of it, has a row of its own if it holds 30 sellers; ALL always has one.
    """
    sells: Booleans = measured["sale_rows_90"].values > 0
    groups = {
        level: {key: rows for key, rows in grouped(_keys(attributes, level)).items() if _is_own(level, sells[rows])}
        for level in CellLevel
    }
    return References(
        cells=tuple(_cell(level, key, rows[sells[rows]], measured) for level, key, rows in _sorted(groups)),
        ratings=tuple(
            _rating(level, key, rows, measured) for level, key, rows in _sorted(groups) if level is not CellLevel.REGION
        ),
        feeds=_feeds(grouped(list(attributes.partner)), measured),
    )


def peers(references: References, attributes: Attributes) -> Peers:
    """Look up each merchant's references: those of the narrowest group that was frozen."""
    filled = [cell for cell in references.cells if cell.cuts]
    cells = {(c.level, c.partner_id, c.currency, c.category, c.region): place for place, c in enumerate(filled)}
    means = {(r.level, r.partner_id, r.currency, r.category, ""): (r.rating_sum, r.ratings) for r in references.ratings}
    rating = np.array(_narrowest(means, attributes, (0, 0)), np.int64).reshape(-1, 2)
    carried = {row.partner_id: row.carried for row in references.feeds}
    nothing: tuple[Feed, ...] = ()
    return Peers(
        cell=np.array(_narrowest(cells, attributes, -1), np.int64),
        cuts=np.array([cell.cuts for cell in filled], np.int64).reshape(len(filled), CUTS),
        rating_sum=rating[:, 0],
        rating_count=rating[:, 1],
        carried={
            feed: np.array([feed in carried.get(partner, nothing) for partner in attributes.partner], np.bool_)
            for feed in Feed
        },
    )


def percentile_cuts(sales: Int64s) -> tuple[int, ...]:
    """Return the sellers' sales at rank ceil(p n ÷ 100) from below, p = 1 to 99; () without a seller.

    In integers: 0.28 x 75 is above 21 in floats, and would take rank 22.
    """
    if not len(sales):
        return ()
    ranks = (np.arange(1, CUTS + 1) * len(sales) + CUTS) // 100
    return tuple(np.sort(sales)[ranks - 1].tolist())


def grouped(keys: Sequence[K]) -> dict[K, Int64s]:
    """Return the positions of each key, keys in order of appearance."""
    code: dict[K, int] = {}
    codes = np.array([code.setdefault(key, len(code)) for key in keys], np.int64)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    return dict(zip(code, np.split(order, starts), strict=True)) if keys else {}


def _keys(attributes: Attributes, level: CellLevel) -> list[Key]:
    places = zip(attributes.partner, attributes.currency, attributes.category, attributes.region, strict=True)
    match level:
        case CellLevel.REGION:
            return list(places)
        case CellLevel.CATEGORY:
            return [(partner, currency, category, "") for partner, currency, category, _ in places]
        case CellLevel.ALL:
            return [(partner, currency, "", "") for partner, currency, _, _ in places]


def _is_own(level: CellLevel, sells: Booleans) -> bool:
    return level is CellLevel.ALL or int(sells.sum()) >= FEWEST_SELLERS


def _sorted(groups: Mapping[CellLevel, Mapping[Key, Int64s]]) -> Iterator[tuple[CellLevel, Key, Int64s]]:
    for level, of_level in groups.items():
        for key in sorted(of_level):
            yield level, key, of_level[key]


def _narrowest(frozen: Mapping[tuple[CellLevel, int, str, str, str], V], attributes: Attributes, nothing: V) -> list[V]:
    found = [nothing] * len(attributes.partner)
    for level in (CellLevel.ALL, CellLevel.CATEGORY, CellLevel.REGION):
        for place, key in enumerate(_keys(attributes, level)):
            found[place] = frozen.get((level, *key), found[place])
    return found


def _cell(level: CellLevel, key: Key, sellers: Int64s, measured: Mapping[str, Column]) -> PercentileCell:
    partner, currency, category, region = key
    return PercentileCell(
        partner_id=partner,
        currency=currency,
        level=level,
        category=category,
        region=region,
        sellers=len(sellers),
        cuts=percentile_cuts(measured["s_90"].values[sellers]),
    )


def _rating(level: CellLevel, key: Key, rows: Int64s, measured: Mapping[str, Column]) -> MeanRating:
    partner, currency, category, _ = key
    return MeanRating(
        partner_id=partner,
        currency=currency,
        level=level,
        category=category,
        rating_sum=int(measured["rating_sum_180"].values[rows].sum()),
        ratings=int(measured["ratings_180"].values[rows].sum()),
    )


def _feeds(of_partner: Mapping[int, Int64s], measured: Mapping[str, Column]) -> tuple[FeedCarriage, ...]:
    found: list[FeedCarriage] = []
    for partner, rows in sorted(of_partner.items()):
        carried = {Feed(kind) for kind in CARRIED_KINDS if measured[f"{kind.lower()}_rows_365"].values[rows].any()}
        sold = int(measured["sale_rows_180"].values[rows].sum())
        named = int(measured["named_sale_rows_180"].values[rows].sum())
        if sold and named * 10 >= sold * NAMED_OF_TEN:
            carried.add(Feed.BUYER)
        wrong = ("unsold_reversals", "settled_above_paid")
        counts = {name: int(measured[f"{name}_365"].values[rows].sum()) for name in wrong}
        found.append(FeedCarriage(partner_id=partner, carried=tuple(sorted(carried)), **counts))
    return tuple(found)
