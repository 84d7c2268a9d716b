"""Turn a score into a probability of default and a grade, by a versioned calibration.

PD = 1 / (1 + exp(a + b z)), z = (score - 427.123) / 57.708: 30 or more days past due within 12 months.
Points double the odds every 40, 600 points are odds of 20 to 1: 57.708 = 40 / ln 2, 427.123 = 600 - 57.708 ln 20
(Siddiqi 2006, Credit Risk Scorecards, ch. 6). There are at most a few hundred scores, so each PD is computed
once in decimals, rounded half to even to parts per million, and looked up: no float, the same on any machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from config.kernel.canonical import canonical_json, sha256_of
from config.kernel.documents import load, read, written
from config.kernel.exact import MILLION, Int64s
from config.kernel.refusals import Refused

FACTOR: Final = Decimal("57.708")
OFFSET: Final = Decimal("427.123")
SLOPE_MICRO: Final = 700_000
"""b = 0.7: an expert card counts correlated facts twice, so its odds are shrunk."""
LEAST_SHARE_PERCENT: Final = 3
POINTS_ABOVE_CUT_OFF: Final = 40
INTERCEPT_BOUND: Final = 50 * MILLION
_CONTEXT: Final = Context(prec=30)


class Grade(StrEnum):
    """The grades, best first."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    D = "D"


GRADES: Final = tuple(Grade)
PD_BELOW_PPM: Final = (6_200, 12_300, 24_400, 47_600, 91_000, 167_000)
"""A grade's PD is below its bound and not below the one before, in parts per million; D has no bound."""
REQUIRED_GRADES: Final = (Grade.B1, Grade.B2, Grade.C1)


class CalibrationRefusal(StrEnum):
    """Why a calibration is not made or does not go live."""

    NOBODY_PASSES = "NOBODY_PASSES"
    TARGET_OUT_OF_REACH = "TARGET_OUT_OF_REACH"
    GRADE_TOO_SMALL = "GRADE_TOO_SMALL"
    HASH_DIFFERS = "HASH_DIFFERS"
    MALFORMED = "MALFORMED"


class CalibrationRefused(Refused[CalibrationRefusal]):
    """The calibration is not made, read or used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How scores become PDs and grades.

    a and b in millionths, the target PD in parts per million. reference_points: by row of the card, the sum of points
    of the reference_merchants, who scored from the cut-off to 40 points above it; the mean is the sum over their
    number. population: merchants by grade when it was solved, in the order of GRADES.
    """

    scorecard_sha256: str
    target_ppm: int
    intercept_micro: int
    slope_micro: int
    lowest: int
    highest: int
    population: tuple[int, ...]
    reference_points: Mapping[str, int]
    reference_merchants: int

    @property
    def pd_table(self) -> Int64s:
        """The PD of each score from lowest to highest, in parts per million."""
        return _pd_table(self.lowest, self.highest, self.intercept_micro, self.slope_micro)

    @property
    def cut_off(self) -> int | None:
        """The lowest score of grade C1 or better; None if no score earns it."""
        good = np.flatnonzero(self.pd_table < PD_BELOW_PPM[GRADES.index(Grade.C1)])
        return self.lowest + int(good[0]) if len(good) else None


def pd_ppm(score: int, intercept_micro: int, slope_micro: int) -> int:
    """Compute the PD of a score in parts per million, rounded half to even."""
    return int((_pd(score, intercept_micro, slope_micro) * MILLION).to_integral_value(ROUND_HALF_EVEN))


def solve_intercept(scores: Int64s, *, target_ppm: int, slope_micro: int = SLOPE_MICRO) -> int:
    """Solve a, in millionths: the least for which the mean PD of the scores is at most the target.

    By bisection over integers, as the mean falls when a rises. Raises CalibrationRefused.
    """
    if not len(scores):
        raise CalibrationRefused(CalibrationRefusal.NOBODY_PASSES)
    values, counts = (part.tolist() for part in np.unique(scores, return_counts=True))
    bound = Decimal(target_ppm * len(scores)) / MILLION

    def at_most_target(intercept: int) -> bool:
        pds = [n * _pd(score, intercept, slope_micro) for score, n in zip(values, counts, strict=True)]
        return sum(pds, start=Decimal(0)) <= bound

    low, high = -INTERCEPT_BOUND, INTERCEPT_BOUND
    if not 0 < target_ppm < MILLION or at_most_target(low) or not at_most_target(high):
        raise CalibrationRefused(CalibrationRefusal.TARGET_OUT_OF_REACH)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at_most_target(middle) else (middle, high)
    return high


def calibrate(
    scores: Int64s,
    points: Mapping[str, Int64s],
    *,
    scorecard_sha256: str,
    lowest: int,
    highest: int,
    target_ppm: int,
) -> Calibration:
    """Compute a calibration from the scored merchants of a reference run that pass the hard gates.

    scores and points (by row) are theirs, in the same order. Raises CalibrationRefused.
    """
    intercept = solve_intercept(scores, target_ppm=target_ppm)
    bare = Calibration(
        scorecard_sha256=scorecard_sha256,
        target_ppm=target_ppm,
        intercept_micro=intercept,
        slope_micro=SLOPE_MICRO,
        lowest=lowest,
        highest=highest,
        population=(),
        reference_points={},
        reference_merchants=0,
    )
    cut_off = bare.cut_off
    near = np.zeros(len(scores), np.bool_)
    if cut_off is not None:
        near = (scores >= cut_off) & (scores <= cut_off + POINTS_ABOVE_CUT_OFF)
    grades = grades_of(pds_of(scores, bare))
    return replace(
        bare,
        population=tuple(np.bincount(grades, minlength=len(GRADES)).tolist()),
        reference_points=MappingProxyType({name: int(values[near].sum()) for name, values in points.items()}),
        reference_merchants=int(near.sum()),
    )


def pds_of(scores: Int64s, calibration: Calibration) -> Int64s:
    """Look up the PD of each score, in parts per million."""
    return calibration.pd_table[scores - calibration.lowest]


def grades_of(pds: Int64s) -> Int64s:
    """Return the grade of each PD, as a position in GRADES."""
    return np.searchsorted(np.array(PD_BELOW_PPM, np.int64), pds, side="right").astype(np.int64)


def refuse_live(calibration: Calibration) -> tuple[Grade, ...]:
    """List the grades from B1 to C1 that hold less than 3 % of the population; () if it may go live.

    A1 and A2 may stay empty until loans exist.
    """
    total = sum(calibration.population)
    held = dict(zip(GRADES, calibration.population, strict=True))
    return tuple(grade for grade in REQUIRED_GRADES if held[grade] * 100 < total * LEAST_SHARE_PERCENT)


def require_live(calibration: Calibration) -> None:
    """Check that the calibration may go live. Raises CalibrationRefused."""
    if refuse_live(calibration):
        raise CalibrationRefused(CalibrationRefusal.GRADE_TOO_SMALL)


def canonical_calibration(calibration: Calibration) -> tuple[str, str]:
    """Serialise a calibration as canonical JSON; return it with its sha256."""
    text = canonical_json(written(calibration))
    return text, sha256_of(text)


@lru_cache(maxsize=16)
def parse_calibration(text: str, sha256: str) -> Calibration:
    """Parse and validate a stored calibration, each text once a process. Raises CalibrationRefused."""
    if sha256_of(text) != sha256:
        raise CalibrationRefused(CalibrationRefusal.HASH_DIFFERS)
    try:
        calibration = read(Calibration, load(text))
    except ValueError as error:
        raise CalibrationRefused(CalibrationRefusal.MALFORMED) from error
    fits = (
        calibration.slope_micro > 0
        and calibration.lowest < calibration.highest
        and len(calibration.population) == len(GRADES)
        and calibration.reference_merchants >= 0
    )
    if not fits or canonical_calibration(calibration)[0] != text:
        raise CalibrationRefused(CalibrationRefusal.MALFORMED)
    return calibration


@lru_cache(maxsize=16)
def _pd_table(lowest: int, highest: int, intercept_micro: int, slope_micro: int) -> Int64s:
    table = np.array([pd_ppm(score, intercept_micro, slope_micro) for score in range(lowest, highest + 1)], np.int64)
    table.flags.writeable = False  # all callers share it
    return table


def _pd(score: int, intercept_micro: int, slope_micro: int) -> Decimal:
    z = _CONTEXT.divide(Decimal(score) - OFFSET, FACTOR)
    exponent = _CONTEXT.add(Decimal(intercept_micro) / MILLION, _CONTEXT.multiply(Decimal(slope_micro) / MILLION, z))
    return _CONTEXT.divide(Decimal(1), _CONTEXT.add(Decimal(1), _CONTEXT.exp(exponent)))
