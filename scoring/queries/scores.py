"""Compute scores without storing them, and read those that are stored.

`compute_scores` is the only way from facts to scores: runs store its result, replays compare with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.db.rows import select
from config.kernel.calendar import day_number
from merchants.queries.batches import Watermark
from scoring.domain.calibration import Calibration, parse_calibration
from scoring.domain.features.columns import columns_of
from scoring.domain.features.measures import MEASURE_NAMES, NULLABLE_MEASURES
from scoring.domain.features.repayment import BEHAVIOUR_MEASURE_NAMES
from scoring.domain.features.sets import FeatureSet, current_set, get_set
from scoring.domain.reference import References, freeze, peers
from scoring.domain.score import score_columns
from scoring.domain.score_row import ScoreRow, score_rows
from scoring.domain.scorecard import Scorecard, parse_scorecard
from scoring.models import CalibrationVersion, Score, ScorecardVersion, ScoreRun
from scoring.queries.measures import Known, Members, kept_measures, measure, measure_behaviour
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
    return Pins(
        features=get_set(run.feature_set),
        card=card_of(run.scorecard),
        calibration=calibration_of(run.calibration),
        references=references_of_run(run_id=run.references_id or run.pk, members=members),
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
    scores = score_columns(
        {
            **columns_of(rows, MEASURE_NAMES, NULLABLE_MEASURES, members.ids),
            **columns_of(told, BEHAVIOUR_MEASURE_NAMES, frozenset(), members.ids),
        },
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
    references = freeze(market.attributes, found)
    pins = Pins(features=features, card=card, calibration=calibration, references=references)
    return compute_scores(members=market if only is None else members_of_market(only), known=known, pins=pins)


def stored_row(score: Score) -> ScoreRow:
    """Convert a stored score back to the row it was made from."""
    return ScoreRow(**{field: getattr(score, field) for field in ROW_FIELDS})
