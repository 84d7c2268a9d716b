"""Explain a stored score: which facts gave which points, and how they add up."""

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.domain.features.declarations import FEATURES, Unit
from scoring.domain.features.sets import FeatureSetGone, get_set
from scoring.domain.policy import GATES
from scoring.domain.scorecard import Row
from scoring.models import Score
from scoring.queries.scores import card_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The values from `low` to below `high`, which earn the same points; None is unbounded."""

    low: int | None
    high: int | None
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One row of the card for one merchant.

    value: in the unit, None where it is missing; absent: the partner's feed cannot carry it; percentile: the
    rank among peers, where the points depend on it; bin: the one it fell into, None where there is no value.
    """

    name: str
    family: str
    reads: str
    unit: Unit
    value: int | None
    absent: bool
    percentile: int | None
    bin: Bin | None
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a score adds up: base + points + floors + clipping = score.

    floors: by family, the points given back where its rows cost more than the card allows; gates as
    stored; reasons: the others stored, as the characteristics whose sentences they use. is_gone: the feature set that
    made the score is no longer known, so no contribution has a value.
    """

    base: int
    contributions: tuple[Contribution, ...]
    floors: Mapping[str, int]
    clipped: int
    score: int
    gates: tuple[str, ...]
    reasons: tuple[str, ...]
    is_gone: bool


def bins_of(row: Row) -> tuple[Bin, ...]:
    """List the bins of a card's row, from the lowest values up."""
    edges = (None, *row.splits, None)
    return tuple(
        Bin(low=low, high=high, points=points)
        for low, high, points in zip(edges[:-1], edges[1:], row.points, strict=True)
    )


def explain_score(score: Score) -> Explanation:
    """Explain a score by its run's card, largest points first. Raises ScorecardMalformed."""
    card = card_of(score.run.scorecard)
    values: dict[str, int | None] = {"repayment": score.repayment_level, "flagged_share": 0}
    is_gone = False
    try:
        values |= characteristics_of(score)
    except FeatureSetGone:
        values, is_gone = {}, True
    given = dict(zip((row.name for row in card.rows), score.points, strict=True))
    reads = {row.name: row.reads for row in card.rows}
    found = [_contribution(row, values, given[row.name], absent=row.reads in score.absent) for row in card.rows]
    floors = {
        family: floor - sum(given[row.name] for row in card.rows if row.family == family)
        for family, floor in card.floors.items()
        if floor is not None and family in score.floored
    }
    gates = [gate.value for gate in GATES if gate.value in score.gates]
    return Explanation(
        base=card.base,
        contributions=tuple(sorted(found, key=lambda part: -abs(part.points))),
        floors=floors,
        clipped=score.score - card.base - sum(given.values()) - sum(floors.values()),
        score=score.score,
        gates=tuple(gates),
        reasons=tuple(reads[code] for code in score.reasons if code not in gates),
        is_gone=is_gone,
    )


def characteristics_of(score: Score) -> dict[str, int | None]:
    """Return the values by the names of the set that made them. Raises FeatureSetGone."""
    return dict(zip(get_set(score.run.feature_set).names, score.characteristics, strict=True))


def _contribution(row: Row, values: Mapping[str, int | None], points: int, *, absent: bool) -> Contribution:
    read = values.get(row.reads)
    by_place = row.reads != row.name and FEATURES[row.reads].unit is Unit.PERCENTILE
    fitting = [found for found in bins_of(row) if read is not None and _holds(found, read)]
    return Contribution(
        name=row.name,
        family=row.family,
        reads=row.reads,
        unit=FEATURES[row.name if by_place else row.reads].unit,
        value=values.get(row.name) if by_place else read,
        absent=absent,
        percentile=read if by_place else None,
        bin=fitting[0] if fitting else None,
        points=points,
    )


def _holds(found: Bin, value: int) -> bool:
    return (found.low is None or value >= found.low) and (found.high is None or value < found.high)
