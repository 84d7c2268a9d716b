"""Solve calibrations on the results of a run."""

import numpy as np

from config.kernel.exact import Int64s
from scoring.domain.calibration import Calibration, calibrate, require_live
from scoring.domain.scorecard import Scorecard
from scoring.models import Score, ScoreRun
from scoring.queries.scores import card_of


def passing_scores(*, run_id: int, card: Scorecard) -> tuple[Int64s, dict[str, Int64s]]:
    """Return the scores, and the points by row of the card, of a run's scored merchants that fail no gate."""
    passing = Score.objects.filter(run=run_id, not_scored__isnull=True, gates=[]).order_by("merchant_id")
    rows = list(passing.values_list("score", "points"))
    points = np.array([points for _, points in rows], np.int64).reshape(len(rows), len(card.rows))
    return (
        np.array([score for score, _ in rows], np.int64),
        {row.name: points[:, place] for place, row in enumerate(card.rows)},
    )


def solve_calibration(run: ScoreRun, *, target_ppm: int) -> Calibration:
    """Solve a calibration that may go live on a finished run's merchants that fail no gate; nothing is stored.

    target_ppm: their mean PD in parts per million. Raises CalibrationRefused.
    """
    card = card_of(run.scorecard)
    scores, points = passing_scores(run_id=run.pk, card=card)
    calibration = calibrate(
        scores,
        points,
        scorecard_sha256=card.sha256,
        lowest=card.lowest,
        highest=card.highest,
        target_ppm=target_ppm,
    )
    require_live(calibration)
    return calibration
