"""Choose the reasons of a score: what cost a merchant most, against those just above the cut-off."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from config.kernel.exact import Int64s
from scoring.domain.calibration import Calibration
from scoring.domain.features.columns import Booleans
from scoring.domain.policy import GATES, Gate
from scoring.domain.scorecard import Scorecard

MOST_REASONS: Final = 4
NO_REASON: Final = -1
GATE_FAMILIES: Final[Mapping[Gate, str]] = {
    Gate.TENURE: "tenure",
    Gate.RECENCY: "recency",
    Gate.DISPUTES: "service",
}
"""A gate speaks for its family: a merchant who fails it is not told the same again by points."""


def reason_codes(card: Scorecard) -> tuple[str, ...]:
    """List the reasons in the order of their positions: the gates, then the rows of the card."""
    return (*(gate.value for gate in GATES), *(row.name for row in card.rows))


def choose_reasons(
    card: Scorecard,
    calibration: Calibration,
    points: Mapping[str, Int64s],
    absent: Mapping[str, Booleans],
    gates: Mapping[Gate, Booleans],
) -> Int64s:
    """Choose at most four reasons a merchant, one a family: failed gates first, then most points lost.

    Returns one row a merchant: four positions in `reason_codes`, NO_REASON where there are fewer. Points are
    lost against the mean of the reference merchants; sums are compared, so nothing is divided. What the feed
    does not carry is not a reason; equal losses go in the order of the card.
    """
    codes, size = len(GATES) + len(card.rows), len(next(iter(points.values())))
    lost = np.zeros((size, codes), np.int64)
    for number, gate in enumerate(GATES):
        # Above any loss of points, and the first gate first.
        lost[:, number] = np.where(gates[gate], np.iinfo(np.int64).max - number, 0)
    for number, row in enumerate(card.rows, start=len(GATES)):
        mean = calibration.reference_points.get(row.name, 0)
        lost[:, number] = mean - calibration.reference_merchants * points[row.name]
        if row.reads in absent:
            lost[absent[row.reads], number] = 0
    families = [*(GATE_FAMILIES[gate] for gate in GATES), *(row.family for row in card.rows)]
    for family in dict.fromkeys(families):
        members = [number for number, name in enumerate(families) if name == family]
        worst = np.argmax(lost[:, members], axis=1)
        for place, number in enumerate(members):
            lost[worst != place, number] = 0
    order = np.argsort(-lost, axis=1, kind="stable")[:, :MOST_REASONS]
    return np.where(np.take_along_axis(lost, order, axis=1) > 0, order, NO_REASON)
