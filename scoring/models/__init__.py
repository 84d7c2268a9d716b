"""Tables of scoring."""

from scoring.models.behaviour import BehaviourFact
from scoring.models.integrity import FlaggedSale, IntegrityFinding
from scoring.models.measured import MeasuredMerchant
from scoring.models.reference import ReferenceCell, ReferenceFeed, ReferenceMerchant, ReferenceRating
from scoring.models.run import LiveRun, RunCheck, ScoreRun
from scoring.models.score import Score
from scoring.models.versions import CalibrationVersion, ScorecardVersion

__all__ = [
    "BehaviourFact",
    "CalibrationVersion",
    "FlaggedSale",
    "IntegrityFinding",
    "LiveRun",
    "MeasuredMerchant",
    "ReferenceCell",
    "ReferenceFeed",
    "ReferenceMerchant",
    "ReferenceRating",
    "RunCheck",
    "Score",
    "ScoreRun",
    "ScorecardVersion",
]
