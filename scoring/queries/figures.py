"""What a run gave, in figures: counted once, when it is concluded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.db.models import Count

from scoring.domain.calibration import GRADES, Grade
from scoring.domain.policy import NOT_SCORED, NotScored
from scoring.models import Score, ScoreRun
from scoring.queries.merchants import GOOD_GRADES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Counts of a run: the scored by grade, with quartiles of the score; the others by reason."""

    scored: int
    grades: Mapping[Grade, int]
    reasons: Mapping[NotScored, int]
    quartiles: tuple[int, int, int] | None

    @property
    def document(self) -> dict[str, Any]:
        """The figures as a run keeps them."""
        return {"scored": self.scored, "grades": self.grades, "reasons": self.reasons, "quartiles": self.quartiles}

    @property
    def good(self) -> int:
        """Merchants with grade B2 or better."""
        return sum(self.grades[grade] for grade in GOOD_GRADES)

    @property
    def not_scored(self) -> int:
        """Merchants without a score."""
        return sum(self.reasons.values())


def figures_of(run: ScoreRun) -> RunFigures:
    """Return the figures that a concluded run keeps; of one from long ago, count them."""
    kept = run.figures
    if kept is None:
        return count_figures(run)
    return RunFigures(
        scored=kept["scored"],
        grades={grade: kept["grades"].get(grade, 0) for grade in GRADES},
        reasons={reason: kept["reasons"].get(reason, 0) for reason in NOT_SCORED},
        quartiles=None if kept["quartiles"] is None else tuple(kept["quartiles"]),
    )


def count_figures(run: ScoreRun) -> RunFigures:
    """Count a run's results, in one pass over its scores."""
    rows = list(
        Score.objects.filter(run=run)
        .values_list("not_scored", "grade", "score")
        .annotate(Count("pk"))
        .order_by("score")
    )
    scored = [(grade, score, number) for reason, grade, score, number in rows if reason is None]
    return RunFigures(
        scored=sum(number for _, _, number in scored),
        grades={grade: sum(number for held, _, number in scored if held == grade) for grade in GRADES},
        reasons={reason: sum(number for held, _, _, number in rows if held == reason) for reason in NOT_SCORED},
        quartiles=_quartiles([(score, number) for _, score, number in scored]),
    )


def _quartiles(counts: Sequence[tuple[int, int]]) -> tuple[int, int, int] | None:
    """Return the quartiles of the scores, from counts by rising score."""
    reached = list(accumulate(number for _, number in counts))
    if not reached:
        return None
    first, second, third = (
        next(score for (score, _), below in zip(counts, reached, strict=True) if below * 4 >= quarter * reached[-1])
        for quarter in (1, 2, 3)
    )
    return first, second, third
