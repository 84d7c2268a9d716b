"""Measure how well scores ranked what happened."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from config.kernel.exact import Int64s
from scoring.domain.features.columns import Booleans

Z_95: Final = 1.959964
FEWEST: Final = 2
"""Merchants of each kind that a variance needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The AUC with its 95 % interval, and the numbers it rests on; interval: None if they cannot support one."""

    auc: float
    interval: tuple[float, float] | None
    good: int
    bad: int


def rank(scores: Int64s, bad: Booleans) -> Ranking | None:
    """Measure how often a good merchant scores above a bad one, ties counted half; None without both kinds.

    The interval is the normal one of DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845, clipped
    to 0 and 1. With one merchant of a kind there is no variance to estimate, and where all scores tie, or the two
    kinds do not overlap, an estimate of zero means that the sample is small, not that the AUC is certain.
    """
    above, below = scores[~bad], scores[bad]
    if not len(above) or not len(below):
        return None
    wins = (above[:, None] > below[None, :]) + 0.5 * (above[:, None] == below[None, :])
    auc = float(wins.mean())
    interval = None
    if min(len(above), len(below)) >= FEWEST:
        error = sqrt(wins.mean(axis=1).var(ddof=1) / len(above) + wins.mean(axis=0).var(ddof=1) / len(below))
        if error:
            interval = (max(0.0, auc - Z_95 * error), min(1.0, auc + Z_95 * error))
    return Ranking(
        auc=auc,
        interval=interval,
        good=len(above),
        bad=len(below),
    )
