"""The sets of characteristics by version: the names of a stored score's values, and what computes them.

A stored score is read, explained and replayed by the version that made it, so a version stays here as long as its
scores are kept. A change is added as a new version, at the end; new runs use the last one that is no candidate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from ibis import Table

from config.kernel.canonical import canonical_json, sha256_of
from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES, Peers, characteristics
from scoring.domain.features.columns import Column
from scoring.domain.features.daily import daily
from scoring.domain.features.flags import FLAGGED_NAMES, flagged_characteristics
from scoring.domain.features.measures import all_measures, measures, reference_measures
from scoring.domain.features.relations import Reversed, day_one_reversals, reversals
from scoring.domain.policy import DAY_ONE as DAY_ONE_POLICY
from scoring.domain.policy import Policy


class FeatureSetGone(LookupError):
    """The set of characteristics that made a score is no longer in this program; the message is its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """One version of the characteristics.

    measures and reference_measures: MEASURE_NAMES and REFERENCE_MEASURE_NAMES of a history; all_measures: both, in one
    pass; daily: the net sales by day that add up to s. names: in the order of a stored score's values. derive: returns
    a column for each name, from the measures and the references. policy: who is not scored, and the hard gates.
    is_less_flagged: whether flagged sales are taken out of s before anything is derived. is_candidate: no run uses it
    yet; `manage.py score --features` does.
    version: at most 64 characters.
    """

    version: str
    measures: Callable[[Table], Table]
    reference_measures: Callable[[Table], Table]
    all_measures: Callable[[Table], Table]
    daily: Callable[[Table], Table]
    names: tuple[str, ...]
    derive: Callable[[Mapping[str, Column], Peers], Mapping[str, Column]]
    policy: Policy
    is_less_flagged: bool = False
    is_candidate: bool = False


def _counting(reversed_by: Reversed) -> dict[str, Any]:
    """Return what a set measures, by a rule for reversals."""
    built = {
        "measures": measures,
        "reference_measures": reference_measures,
        "all_measures": all_measures,
        "daily": daily,
    }
    return {name: partial(build, reversed_by=reversed_by) for name, build in built.items()}


DAY_ONE: Final = FeatureSet(
    version=sha256_of(canonical_json(list(CHARACTERISTIC_NAMES))),  # later versions have a short text
    **_counting(day_one_reversals),
    names=CHARACTERISTIC_NAMES,
    derive=characteristics,
    policy=DAY_ONE_POLICY,
)
REVERSALS_WITH_THEIR_ORDER: Final = replace(DAY_ONE, version="2", **_counting(reversals))
LESS_FLAGGED: Final = replace(
    REVERSALS_WITH_THEIR_ORDER,
    version="3",
    names=FLAGGED_NAMES,
    derive=flagged_characteristics,
    is_less_flagged=True,
    is_candidate=True,  # its look at the market is one statement: of millions of rows, it outlasts a job's lease
)
FEATURE_SETS: Final = {made.version: made for made in (DAY_ONE, REVERSALS_WITH_THEIR_ORDER, LESS_FLAGGED)}


def current_set() -> FeatureSet:
    """Return the set that new runs use."""
    return next(made for made in reversed(FEATURE_SETS.values()) if not made.is_candidate)


def get_set(version: str) -> FeatureSet:
    """Return the set of a version. Raises FeatureSetGone."""
    try:
        return FEATURE_SETS[version]
    except KeyError as error:
        raise FeatureSetGone(version) from error
