"""Convert columns of scores to one row a merchant, to be stored, compared and shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from config.kernel.exact import Int64s
from scoring.domain.calibration import GRADES
from scoring.domain.features.sets import FeatureSet
from scoring.domain.reasons import NO_REASON, reason_codes
from scoring.domain.score import Scores
from scoring.domain.scorecard import Scorecard


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One merchant's results; the fields are those of the stored score, in the same units."""

    merchant_id: int
    not_scored: str | None
    needed: int
    score: int
    pd_ppm: int | None
    grade: str | None
    sales_basis_minor: int
    sales_365_minor: int
    worst_month_minor: int
    repayment_level: int
    gates: list[str]
    reasons: list[str]
    floored: list[str]
    absent: list[str]
    characteristics: list[int | None]
    points: list[int]


def score_rows(merchants: Int64s, scores: Scores, card: Scorecard) -> Iterator[ScoreRow]:
    """Yield the rows in the order of `merchants`."""
    codes = reason_codes(card)
    characteristics = zip(*(column.tolist() for column in scores.characteristics.values()), strict=True)
    points = zip(*(scores.points.points[row.name].tolist() for row in card.rows), strict=True)
    flags = [
        {name: flag.tolist() for name, flag in flags.items()}
        for flags in (scores.gates, scores.points.floored, scores.absent)
    ]
    pds = None if scores.pd_ppm is None else scores.pd_ppm.tolist()
    grades = None if scores.grade is None else scores.grade.tolist()
    reasons = None if scores.reasons is None else scores.reasons.tolist()
    needed, score = scores.unscored.needed.tolist(), scores.score.tolist()
    beside = (scores.sales_basis_minor, scores.sales_365_minor, scores.worst_month_minor, scores.repayment)
    basis, year, worst, repayment = (part.tolist() for part in beside)
    for place, (merchant, values, given) in enumerate(zip(merchants.tolist(), characteristics, points, strict=True)):
        gates, floored, absent = ([str(name) for name, flag in by_name.items() if flag[place]] for by_name in flags)
        reason = scores.unscored.at(place)
        yield ScoreRow(
            merchant_id=merchant,
            not_scored=None if reason is None else reason.value,
            needed=needed[place],
            score=score[place],
            pd_ppm=None if pds is None else pds[place],
            grade=None if grades is None else GRADES[grades[place]].value,
            sales_basis_minor=basis[place],
            sales_365_minor=year[place],
            worst_month_minor=worst[place],
            repayment_level=repayment[place],
            gates=gates,
            reasons=[] if reasons is None else [codes[code] for code in reasons[place] if code != NO_REASON],
            floored=floored,
            absent=absent,
            characteristics=list(values),
            points=list(given),
        )


def explained(row: ScoreRow, features: FeatureSet, card: Scorecard) -> dict[str, object]:
    """Return a row by names, as `manage.py score --to` writes it: comparable with any other implementation."""
    return {
        "not_scored": row.not_scored,
        "characteristics": dict(zip(features.names, row.characteristics, strict=True)),
        "absent": row.absent,
        "points": {rule.name: points for rule, points in zip(card.rows, row.points, strict=True)},
        "activity_floored": "activity" in row.floored,
        "score": row.score,
        "gates": row.gates,
        "sales_basis_minor": row.sales_basis_minor,
    }
