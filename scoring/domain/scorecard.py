"""Scorecards as immutable data, validated on every load, and applied to whole columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import numpy as np

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import DoubledKey, Unfit, load, read, unfit
from config.kernel.exact import INT64_MAX, Int64s
from scoring.domain.features.columns import Booleans, Column
from scoring.domain.features.declarations import FEATURES, Direction

DAY_ONE_CARD: Final = Path(__file__).parent / "cards" / "day_one.json"
"""The expert card as a readable file; its canonical form is what is stored and hashed."""

LOWEST_SCORE: Final = 300
HIGHEST_SCORE: Final = 850
MOST_POINTS: Final = 1_000
LONGEST_TITLE: Final = 80
LONGEST_FAMILY: Final = 20
LONGEST_ROW: Final = 40
"""What the tables hold: more is refused when a card is entered, not at night."""


class ScorecardDefect(StrEnum):
    """Why a text is not a scorecard."""

    HASH_DIFFERS = "HASH_DIFFERS"
    NOT_CANONICAL = "NOT_CANONICAL"
    SCHEMA = "SCHEMA"
    UNKNOWN_CHARACTERISTIC = "UNKNOWN_CHARACTERISTIC"
    DUPLICATE_ROW = "DUPLICATE_ROW"
    UNKNOWN_FAMILY = "UNKNOWN_FAMILY"
    POINTS_DO_NOT_FIT_SPLITS = "POINTS_DO_NOT_FIT_SPLITS"
    SPLITS_DO_NOT_RISE = "SPLITS_DO_NOT_RISE"
    AGAINST_DIRECTION = "AGAINST_DIRECTION"
    FLOOR_NOT_BELOW_ZERO = "FLOOR_NOT_BELOW_ZERO"
    RANGE_EMPTY = "RANGE_EMPTY"
    OUT_OF_RANGE = "OUT_OF_RANGE"


class ScorecardMalformed(ValueError):
    """The text is not a valid scorecard, for the reason given; `where` names the row or field."""

    def __init__(self, reason: ScorecardDefect, where: str = "") -> None:
        super().__init__(f"{reason.value} {where}".rstrip())
        self.reason = reason
        self.where = where


def _require_int64(name: str, value: int) -> None:
    if abs(value) > INT64_MAX:
        raise unfit(value, name, "a number of 64 bits")


Whole = Annotated[int, _require_int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: points[i] for a value in [splits[i-1], splits[i]), `missing` points for a null."""

    name: str
    reads: str
    family: str
    splits: tuple[Whole, ...]
    points: tuple[Whole, ...]
    missing: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    floor: Whole | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    name: str
    version: Whole
    base: Whole
    lowest: Whole
    highest: Whole
    families: Mapping[str, _Family]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A card: score = base + points, each family at least its floor, clipped to [lowest, highest]."""

    name: str
    version: int
    base: int
    lowest: int
    highest: int
    floors: Mapping[str, int | None]
    rows: tuple[Row, ...]
    sha256: str

    @property
    def families(self) -> dict[str, str]:
        """Each row's family, in the order of the rows."""
        return {row.name: row.family for row in self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A card applied to columns: points by row before floors, families floored, the score."""

    points: Mapping[str, Int64s]
    floored: Mapping[str, Booleans]
    score: Int64s


def canonical_card(text: str) -> tuple[str, str]:
    """Convert a card written by hand to the form to be stored; return it with its sha256. Raises ScorecardMalformed."""
    canonical = canonical_json(_loaded(text))
    return canonical, sha256_of(canonical)


@lru_cache(maxsize=16)
def parse_scorecard(text: str, sha256: str) -> Scorecard:
    """Parse and validate a stored card, each text once a process. Raises ScorecardMalformed."""
    if sha256_of(text) != sha256:
        raise ScorecardMalformed(ScorecardDefect.HASH_DIFFERS)
    data = _loaded(text)
    try:
        read_card = read(_Document, data)
    except Unfit as error:
        raise ScorecardMalformed(ScorecardDefect.SCHEMA, str(error)) from error
    if canonical_json(data) != text:
        raise ScorecardMalformed(ScorecardDefect.NOT_CANONICAL)
    card = Scorecard(
        name=read_card.name,
        version=read_card.version,
        base=read_card.base,
        lowest=read_card.lowest,
        highest=read_card.highest,
        floors=MappingProxyType({name: family.floor for name, family in read_card.families.items()}),
        rows=read_card.rows,
        sha256=sha256,
    )
    _validate(card)
    return card


def _loaded(text: str) -> object:
    try:
        return load(text)
    except DoubledKey as error:
        raise ScorecardMalformed(ScorecardDefect.SCHEMA, f"{error} is given twice") from error
    except ValueError as error:
        raise ScorecardMalformed(ScorecardDefect.SCHEMA, f"not JSON: {error}") from error


def apply(card: Scorecard, characteristics: Mapping[str, Column], absent: Mapping[str, Booleans]) -> Points:
    """Apply the card to the columns its rows read; an absent characteristic gets 0 points."""
    points = {row.name: row_points(row, characteristics[row.reads], absent.get(row.reads)) for row in card.rows}
    size = len(next(iter(points.values())))
    total = np.full(size, card.base, np.int64)
    floored: dict[str, Booleans] = {}
    for family, floor in card.floors.items():
        rows = [points[row.name] for row in card.rows if row.family == family]
        sums = np.sum(rows, axis=0, dtype=np.int64) if rows else np.zeros(size, np.int64)
        floored[family] = np.asarray(sums < floor, np.bool_) if floor is not None else np.zeros(size, np.bool_)
        total += sums if floor is None else np.maximum(sums, floor)
    return Points(points=points, floored=floored, score=np.clip(total, card.lowest, card.highest))


def row_points(row: Row, values: Column, absent: Booleans | None) -> Int64s:
    """Look up one row's points."""
    bins = np.searchsorted(np.array(row.splits, np.int64), values.values, side="right")
    points = np.where(values.null, row.missing, np.array(row.points, np.int64)[bins])
    return points if absent is None else np.where(absent, 0, points)


def _validate(card: Scorecard) -> None:
    if not card.lowest <= card.base <= card.highest or card.lowest == card.highest:
        raise ScorecardMalformed(ScorecardDefect.RANGE_EMPTY)
    if card.lowest < LOWEST_SCORE or card.highest > HIGHEST_SCORE:
        raise ScorecardMalformed(ScorecardDefect.OUT_OF_RANGE, "lowest, highest")
    if not card.name or len(f"{card.name} {card.version}") > LONGEST_TITLE:
        raise ScorecardMalformed(ScorecardDefect.OUT_OF_RANGE, "name")
    for family, floor in card.floors.items():
        if floor is not None and floor >= 0:
            raise ScorecardMalformed(ScorecardDefect.FLOOR_NOT_BELOW_ZERO, family)
        if not 0 < len(family) <= LONGEST_FAMILY:
            raise ScorecardMalformed(ScorecardDefect.OUT_OF_RANGE, family)
    seen: set[str] = set()
    for row in card.rows:
        _validate_row(row, card.floors)
        if row.name in seen:
            raise ScorecardMalformed(ScorecardDefect.DUPLICATE_ROW, row.name)
        seen.add(row.name)
    if not card.rows:
        raise ScorecardMalformed(ScorecardDefect.SCHEMA, "rows")


def _validate_row(row: Row, families: Mapping[str, int | None]) -> None:
    if row.reads not in FEATURES:
        raise ScorecardMalformed(ScorecardDefect.UNKNOWN_CHARACTERISTIC, row.name)
    if row.family not in families:
        raise ScorecardMalformed(ScorecardDefect.UNKNOWN_FAMILY, row.name)
    if not 0 < len(row.name) <= LONGEST_ROW or max(map(abs, (*row.points, row.missing))) > MOST_POINTS:
        raise ScorecardMalformed(ScorecardDefect.OUT_OF_RANGE, row.name)
    if len(row.points) != len(row.splits) + 1:
        raise ScorecardMalformed(ScorecardDefect.POINTS_DO_NOT_FIT_SPLITS, row.name)
    if any(left >= right for left, right in pairwise(row.splits)):
        raise ScorecardMalformed(ScorecardDefect.SPLITS_DO_NOT_RISE, row.name)
    if not follows(row.points, FEATURES[row.reads].direction):
        raise ScorecardMalformed(ScorecardDefect.AGAINST_DIRECTION, row.name)


def follows(points: Sequence[int], direction: Direction) -> bool:
    """Check that the points go the declared way; a hump rises first and falls after."""
    steps = [right - left for left, right in pairwise(points)]
    if direction is Direction.UP:
        return all(step >= 0 for step in steps)
    if direction is Direction.DOWN:
        return all(step <= 0 for step in steps)
    falls = [step < 0 for step in steps if step]
    return falls == sorted(falls)
