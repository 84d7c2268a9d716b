"""Compute scores without storing them, and read those that are stored.

`compute_scores` is the only way from facts to scores: runs store its result, replays compare with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.db.rows import select
from config.kernel.calendar import day_number
from merchants.queries.batches import Watermark
from scoring.domain.calibration import Calibration, parse_calibration
from scoring.domain.features.columns import Column, column, columns_of, exact
from scoring.domain.features.flags import NO_FLAGS, Flags, added, less_flagged
from scoring.domain.features.measures import MEASURE_NAMES, MONTH_NAMES, NULLABLE_MEASURES
from scoring.domain.features.repayment import BEHAVIOUR_MEASURE_NAMES
from scoring.domain.features.sets import FeatureSet, current_set, get_set
from scoring.domain.integrity import flags_of
from scoring.domain.reference import References, freeze, peers
from scoring.domain.score import score_columns
from scoring.domain.score_row import ScoreRow, score_rows
from scoring.domain.scorecard import Scorecard, parse_scorecard
from scoring.models import CalibrationVersion, Score, ScorecardVersion, ScoreRun
from scoring.queries.integrity import find, flags_of_run
from scoring.queries.measures import Known, Members, kept_measures, measure, measure_behaviour, measure_flagged
from scoring.queries.references import (
    measure_references,
    members_of_market,
    members_of_run,
    references_of_run,
)

ROW_FIELDS = tuple(ScoreRow.__dataclass_fields__)
LIVE = """
SELECT {r}, {s}, {c} FROM scoring_liverun l JOIN scoring_scorerun r ON r.id = l.run_id
JOIN scoring_scorecardversion s ON s.id = r.scorecard_id
LEFT JOIN scoring_calibrationversion c ON c.id = r.calibration_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What scores rest on, besides the facts themselves."""

    features: FeatureSet
    card: Scorecard
    calibration: Calibration | None
    references: References
    flags: Flags = NO_FLAGS


def card_of(version: ScorecardVersion) -> Scorecard:
    """Load a stored card, verifying its hash. Raises ScorecardMalformed."""
    return parse_scorecard(version.content, version.sha256)


def calibration_of(version: CalibrationVersion | None) -> Calibration | None:
    """Load a stored calibration, verifying its hash. Raises CalibrationRefused."""
    return None if version is None else parse_calibration(version.content, version.sha256)


def known_to(run: ScoreRun) -> Known:
    """Return what a run may see."""
    watermark = Watermark(run.watermark_high, tuple(run.watermark_open))
    return Known(as_of_day=day_number(run.as_of), watermark=watermark)


def pins_of(run: ScoreRun, members: Members) -> Pins:
    """Load what a run pinned for these members. Raises FeatureSetGone, ScorecardMalformed, CalibrationRefused."""
    features, pinned_by = get_set(run.feature_set), run.references_id or run.pk
    return Pins(
        features=features,
        card=card_of(run.scorecard),
        calibration=calibration_of(run.calibration),
        references=references_of_run(run_id=pinned_by, members=members),
        flags=flags_of_run(run_id=pinned_by, members=members, as_of_day=known_to(run).as_of_day)
        if features.is_less_flagged
        else NO_FLAGS,
    )


def get_run(*, run_id: int) -> ScoreRun:
    """Get a run with its card and calibration. Raises ScoreRun.DoesNotExist."""
    return ScoreRun.objects.select_related("scorecard", "calibration").get(pk=run_id)


def get_live_run() -> ScoreRun | None:
    """Get the run whose scores are live; None before the first is published."""
    run: ScoreRun
    for run, scorecard, calibration in select(LIVE, {}, r=ScoreRun, s=ScorecardVersion, c=CalibrationVersion):
        run.scorecard, run.calibration = scorecard, calibration
        return run
    return None


def get_live_score(*, merchant_id: int) -> Score | None:
    """Get the merchant's score in the live run."""
    run = get_live_run()
    return None if run is None else Score.objects.filter(run=run, merchant=merchant_id).first()


def flagged_columns(
    flags: Flags, *, features: FeatureSet, members: Members, known: Known, partitions: Sequence[int] | None = None
) -> dict[str, Column]:
    """Measure the flagged orders of the members alone."""
    ids = set(members.ids.tolist())
    orders = [(merchant, order) for merchant, order in flags.orders if merchant in ids]
    rows = measure_flagged(features.measures, members=members, known=known, orders=orders, partitions=partitions)
    return columns_of(rows, MEASURE_NAMES, NULLABLE_MEASURES, members.ids)


def sellers_less_flagged(
    measured: Mapping[str, Column], flags: Flags, *, features: FeatureSet, members: Members, known: Known
) -> dict[str, Column]:
    """Return the reference measures with s(90) less flagged sales."""
    flagged = flagged_columns(flags, features=features, members=members, known=known)
    quarter = sum(added(flagged, name) for name in MONTH_NAMES[:3])
    return {**measured, "s_90": column(exact(measured["s_90"].values) - quarter)}


def compute_scores(
    *,
    members: Members,
    known: Known,
    pins: Pins,
    partitions: Sequence[int] | None = None,
    kept: list[tuple[Any, ...]] | None = None,
) -> list[ScoreRow]:
    """Score the members from the facts, one row each, in their order; `kept`: what was measured of them before."""
    if not len(members.ids):  # as in a part of a small market
        return []
    measured = pins.features.measures
    rows = measure(measured, members=members, known=known, partitions=partitions) if kept is None else kept
    told = measure_behaviour(members=members, known=known, partitions=partitions)
    columns = columns_of(rows, MEASURE_NAMES, NULLABLE_MEASURES, members.ids)
    if pins.features.is_less_flagged:
        flagged = flagged_columns(
            pins.flags, features=pins.features, members=members, known=known, partitions=partitions
        )
        columns = less_flagged(columns, flagged, pins.flags, members.ids)
    scores = score_columns(
        {**columns, **columns_of(told, BEHAVIOUR_MEASURE_NAMES, frozenset(), members.ids)},
        peers(pins.references, members.attributes),
        features=pins.features,
        card=pins.card,
        calibration=pins.calibration,
    )
    return list(score_rows(members.ids, scores, pins.card))


def compute_run(*, run: ScoreRun, partitions: Sequence[int]) -> list[ScoreRow]:
    """Compute the scores of a run's members of some partitions from what it pinned, and measured while it goes on."""
    members = members_of_run(run_id=run.pk, partitions=partitions)
    kept = kept_measures(run_id=run.pk, members=members, partitions=partitions)
    return compute_scores(
        members=members, known=known_to(run), pins=pins_of(run, members), partitions=partitions, kept=kept
    )


def compute_market(
    *,
    known: Known,
    card: Scorecard,
    calibration: Calibration | None,
    features: FeatureSet | None = None,
    only: list[int] | None = None,
) -> list[ScoreRow]:
    """Score the merchants as they are now, all or only some, against references of all; store nothing.

    features: the current set, if none is given.
    """
    market, features = members_of_market(), features or current_set()
    found = measure_references(features.reference_measures, members=market, known=known)
    flags = NO_FLAGS
    if features.is_less_flagged:
        flags = flags_of(find(known=known))
        found = sellers_less_flagged(found, flags, features=features, members=market, known=known)
    references = freeze(market.attributes, found)
    pins = Pins(features=features, card=card, calibration=calibration, references=references, flags=flags)
    return compute_scores(members=market if only is None else members_of_market(only), known=known, pins=pins)


def stored_row(score: Score) -> ScoreRow:
    """Convert a stored score back to the row it was made from."""
    return ScoreRow(**{field: getattr(score, field) for field in ROW_FIELDS})
