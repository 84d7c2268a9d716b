"""Score merchants: from measures and pinned references to score, verdicts, PD, grade and reasons.

One merchant is scored by the same code as a million: every value is a whole column.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from config.kernel.exact import Int64s
from scoring.domain.calibration import Calibration, grades_of, pds_of
from scoring.domain.features.characteristics import Peers, absences, beside_history
from scoring.domain.features.columns import Booleans, Column
from scoring.domain.features.repayment import repayment_levels
from scoring.domain.features.sets import FeatureSet
from scoring.domain.policy import Gate, Unscored, judge_gates, judge_scorable
from scoring.domain.reasons import choose_reasons
from scoring.domain.sales_basis import sales_basis, worst_month
from scoring.domain.scorecard import Points, Scorecard, apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of merchants, row by row, including those who are not scored.

    characteristics: by name; repayment: the characteristic of that name, not derived from transactions; absent: by
    characteristic that a feed may lack; points: by row of the card; sales_basis_minor: M; sales_365_minor,
    worst_month_minor: what else bounds a limit; pd_ppm, grade (position in GRADES), reasons (see choose_reasons):
    None without a calibration.
    """

    characteristics: Mapping[str, Column]
    repayment: Int64s
    absent: Mapping[str, Booleans]
    points: Points
    gates: Mapping[Gate, Booleans]
    unscored: Unscored
    sales_basis_minor: Int64s
    sales_365_minor: Int64s
    worst_month_minor: Int64s
    pd_ppm: Int64s | None
    grade: Int64s | None
    reasons: Int64s | None

    @property
    def score(self) -> Int64s:
        """The scores."""
        return self.points.score


def score_columns(
    measured: Mapping[str, Column],
    peers: Peers,
    *,
    features: FeatureSet,
    card: Scorecard,
    calibration: Calibration | None,
) -> Scores:
    """Score merchants, in the order of the columns: MEASURE_NAMES and BEHAVIOUR_MEASURE_NAMES."""
    derived, repayment = features.derive(measured, peers), repayment_levels(measured)
    found = {name: derived[name] for name in features.names}
    absent = absences(peers, features.names)
    points = apply(card, {**beside_history(repayment), **found}, absent)
    gates = judge_gates(found, absent, features.policy)
    pds = reasons = None
    if calibration is not None:
        pds = pds_of(points.score, calibration)
        reasons = choose_reasons(card, calibration, points.points, absent, gates)
    return Scores(
        characteristics=found,
        repayment=repayment,
        absent=absent,
        points=points,
        gates=gates,
        unscored=judge_scorable(measured, features.policy),
        sales_basis_minor=sales_basis(measured, found),
        sales_365_minor=measured["s_365"].values,
        worst_month_minor=worst_month(measured),
        pd_ppm=pds,
        grade=None if pds is None else grades_of(pds),
        reasons=reasons,
    )
