"""Say how well scores ranked what happened."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from scoring.domain.features.columns import Booleans, Int64s

Z_95: Final = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Hold the AUC with its 95 % interval, and the numbers it rests on."""

    auc: float
    low: float
    high: float
    good: int
    bad: int


def rank(scores: Int64s, bad: Booleans) -> Ranking | None:
    """Measure how often a good merchant scores above a bad one, ties counted half; None without both kinds.

    The interval is the normal one of DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845, clipped
    to 0 and 1.
    """
    above, below = scores[~bad], scores[bad]
    if not len(above) or not len(below):
        return None
    wins = (above[:, None] > below[None, :]) + 0.5 * (above[:, None] == below[None, :])
    auc = float(wins.mean())
    error = sqrt(_variance(wins.mean(axis=1)) / len(above) + _variance(wins.mean(axis=0)) / len(below))
    return Ranking(
        auc=auc,
        low=max(0.0, auc - Z_95 * error),
        high=min(1.0, auc + Z_95 * error),
        good=len(above),
        bad=len(below),
    )


def _variance(placements: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(placements.var(ddof=1)) if len(placements) > 1 else 0.0
