"""Check a finished run before it is published: it should resemble the last one, as far as chance allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt
from typing import Final, Literal

import numpy as np

from config.kernel.exact import BASIS_POINTS, MILLION, Int64s
from scoring.domain.calibration import GRADES

FEWEST_OFF: Final = 10
PSI_BINS: Final = 10
PSI_BOUND_PPM: Final = 20_000
SCORED_PART: Final = 20
"""Judgement: at most one in twenty scored merchants drops out overnight."""
SHARE_BOUND_BP: Final = 500
"""Judgement: a share that moves by five points overnight is looked at, however many merchants there are."""
CHI_SQUARED_95: Final = (3.841, 5.991, 7.815, 9.488, 11.070, 12.592, 14.067, 15.507, 16.919)
"""95 % quantiles for 1 to 9 degrees of freedom."""


class CheckName(StrEnum):
    """The checks of a run."""

    ROW_COUNT = "ROW_COUNT"
    SCORED_COUNT = "SCORED_COUNT"
    NULL_RATES = "NULL_RATES"
    SCORE_PSI = "SCORE_PSI"
    GRADE_SHARES = "GRADE_SHARES"


class CheckNote(StrEnum):
    """Why a check had nothing to compare, and so passed."""

    FIRST_RUN = "FIRST_RUN"
    NOBODY_SCORED = "NOBODY_SCORED"
    NO_GRADES = "NO_GRADES"
    FEATURE_SET_GONE = "FEATURE_SET_GONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Counts of a run: everybody, and among the scored: nulls by characteristic, scores, grades.

    nulls: None where the program no longer has the run's feature set, which names them;
    scores: merchants by score, sorted; grades: merchants in the order of GRADES, () without a calibration.
    """

    merchants: int
    scored: int
    nulls: Mapping[str, int] | None
    scores: Mapping[int, int]
    grades: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The verdict of one check.

    value and bound: merchants (ROW_COUNT, SCORED_COUNT), parts per million (SCORE_PSI), else basis points.
    bound is None where there was nothing to compare, and `note` says why; `worst` names what moved most.
    """

    name: CheckName
    value: int
    bound: int | None
    passed: bool
    note: CheckNote | Literal[""] = ""
    worst: str = ""


def check_run(run: RunSummary, last: RunSummary | None, *, expected: int) -> tuple[Check, ...]:
    """Check a run against the merchants expected and the last published run, None if it is the first."""
    off = abs(run.merchants - expected)
    bound = max(FEWEST_OFF, expected // 100)
    count = Check(name=CheckName.ROW_COUNT, value=off, bound=bound, passed=off <= bound)
    compared = (CheckName.SCORED_COUNT, CheckName.NULL_RATES, CheckName.SCORE_PSI, CheckName.GRADE_SHARES)
    if last is None:
        return (count, *(_unchecked(name, CheckNote.FIRST_RUN) for name in compared))
    fewer = _fewer_scored(run.scored, last.scored)
    if not run.scored or not last.scored:
        return (count, fewer, *(_unchecked(name, CheckNote.NOBODY_SCORED) for name in compared[1:]))
    grades = _unchecked(CheckName.GRADE_SHARES, CheckNote.NO_GRADES)
    if run.grades and last.grades:
        held = zip(GRADES, run.grades, last.grades, strict=True)
        moved = {grade.value: (now, before) for grade, now, before in held}
        grades = _shares(CheckName.GRADE_SHARES, moved, run.scored, last.scored)
    nulls = _unchecked(CheckName.NULL_RATES, CheckNote.FEATURE_SET_GONE)
    if run.nulls is not None and last.nulls is not None:
        both = {name: (number, last.nulls.get(name, number)) for name, number in run.nulls.items()}
        nulls = _shares(CheckName.NULL_RATES, both, run.scored, last.scored)
    return (count, fewer, nulls, _psi(run, last), grades)


def _fewer_scored(now: int, before: int) -> Check:
    """Check how many fewer are scored: if a feed stops, shares stay as they were, among ever fewer."""
    fewer, bound = max(0, before - now), max(FEWEST_OFF, before // SCORED_PART)
    return Check(
        name=CheckName.SCORED_COUNT, value=fewer, bound=bound, passed=fewer <= bound and (now > 0 or before == 0)
    )


def population_stability(now: Int64s, before: Int64s) -> float:
    """Compute the PSI of two counts by bin: sum of (p - q) ln(p ÷ q); half a merchant is added to each bin.

    The half keeps an empty bin finite (Siddiqi 2006, ch. 9, leaves it undefined).
    """
    p = (now + 0.5) / (now.sum() + 0.5 * len(now))
    q = (before + 0.5) / (before.sum() + 0.5 * len(before))
    return float(((p - q) * np.log(p / q)).sum())


def psi_null_bound(bins: int, now: int, before: int) -> float:
    """Compute the PSI that chance alone exceeds once in twenty, if nothing changed.

    To second order PSI is then (1/n + 1/m) times chi-squared with bins - 1 degrees of freedom (Yurdakul 2018,
    Statistical Properties of Population Stability Index).
    """
    return (1 / now + 1 / before) * CHI_SQUARED_95[bins - 2] if bins > 1 else 0.0


def _psi(run: RunSummary, last: RunSummary) -> Check:
    """Compare the scores in bins that each held a tenth of the last run's, fewer where scores tie."""
    scores, counts = (np.array(list(part), np.int64) for part in (last.scores.keys(), last.scores.values()))
    reached = np.cumsum(counts)
    tenths = np.searchsorted(reached * PSI_BINS, np.arange(1, PSI_BINS) * last.scored)
    edges = np.unique(scores[tenths])
    edges = edges[edges < scores[-1]]
    now, before = (_binned(part.scores, edges) for part in (run, last))
    value = round(population_stability(now, before) * MILLION)
    bound = max(PSI_BOUND_PPM, ceil(psi_null_bound(len(now), run.scored, last.scored) * MILLION))
    return Check(name=CheckName.SCORE_PSI, value=value, bound=bound, passed=value < bound)


def _binned(scores: Mapping[int, int], edges: Int64s) -> Int64s:
    """Count by bin; a bin includes its upper edge."""
    place = np.searchsorted(edges, np.array(list(scores), np.int64), side="left")
    return np.bincount(place, weights=list(scores.values()), minlength=len(edges) + 1).astype(np.int64)


def _shares(name: CheckName, counts: Mapping[str, tuple[int, int]], now: int, before: int) -> Check:
    """Find the share that moved most; for few merchants, the bound is 1.96 standard errors of a share of one half."""
    moves = {key: abs(a * before - b * now) * BASIS_POINTS // (now * before) for key, (a, b) in counts.items()}
    worst = max(moves, key=lambda key: moves[key])
    bound = max(SHARE_BOUND_BP, ceil(1.96 * 0.5 * sqrt(1 / now + 1 / before) * BASIS_POINTS))
    return Check(name=name, value=moves[worst], bound=bound, passed=moves[worst] <= bound, worst=worst)


def _unchecked(name: CheckName, note: CheckNote) -> Check:
    return Check(name=name, value=0, bound=None, passed=True, note=note)
