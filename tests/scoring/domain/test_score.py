from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.domain.features.declarations import FEATURES
from scoring.domain.features.sets import DAY_ONE, FEATURE_SETS
from scoring.domain.score import Scores, score_columns
from tests.scoring.domain.markets import connect, day_one, measured
from tests.scoring.domain.test_calibration import solved
from tests.scoring.domain.test_measures import random_history
from tests.scoring.domain.values import measures_of, peers_of

CALIBRATION = solved([450, 500, 520, 600])


def everything(scores: Scores, row: int) -> list[object]:
    assert scores.pd_ppm is not None
    assert scores.grade is not None
    assert scores.reasons is not None
    return [
        {name: part.tolist()[row] for name, part in scores.characteristics.items()},
        {name: int(part[row]) for name, part in scores.points.points.items()},
        *({name: bool(part[row]) for name, part in flags.items()} for flags in (scores.points.floored, scores.absent)),
        [bool(part[row]) for part in scores.gates.values()],
        int(scores.score[row]),
        (scores.unscored.at(row), int(scores.unscored.needed[row])),
        int(scores.sales_basis_minor[row]),
        (int(scores.pd_ppm[row]), int(scores.grade[row]), scores.reasons[row].tolist()),
    ]


@given(seed=st.integers(0, 2**32), escrow=st.booleans())
@settings(max_examples=10)
def test_one_merchant_is_scored_like_among_many(seed: int, escrow: bool) -> None:  # noqa: FBT001
    random = Random(seed)  # noqa: S311
    size = 12
    rows = [row for merchant in range(size) for row in random_history(random, merchant, escrow=escrow)]
    columns = measured(connect(rows), size)
    many = score_columns(columns, peers_of(size), features=DAY_ONE, card=day_one(), calibration=CALIBRATION)
    for merchant in range(size):
        alone = {name: part.take(np.array([merchant])) for name, part in columns.items()}
        one = score_columns(alone, peers_of(1), features=DAY_ONE, card=day_one(), calibration=CALIBRATION)
        assert everything(one, 0) == everything(many, merchant)


def test_nobody_can_be_scored_and_gives_empty_columns() -> None:
    found = score_columns(measures_of(), peers_of(0), features=DAY_ONE, card=day_one(), calibration=CALIBRATION)
    assert found.score.shape == (0,)
    assert found.reasons is not None
    assert found.reasons.shape == (0, 4)


def test_without_a_calibration_there_is_a_score_but_no_pd() -> None:
    found = score_columns(measures_of({}), peers_of(1), features=DAY_ONE, card=day_one(), calibration=None)
    assert found.score.tolist() == [425]
    assert (found.pd_ppm, found.grade, found.reasons) == (None, None, None)


def test_every_declaration_reads_like_a_sentence() -> None:
    for feature in FEATURES.values():
        assert feature.meaning.endswith(".")
        assert feature.reason.endswith(".")
        assert feature.null
        assert feature.window >= 0


def test_every_version_is_found_by_its_name_and_the_first_is_the_one_that_scores_are_stored_with() -> None:
    """Red if the first set got another name, name by name: nothing that was stored could be read."""
    assert DAY_ONE.version == "9223d84431e1ed637c7489b9ea562594f48c84d3329f57564b02b83b82d5e40a"
    assert all(found.version == version and len(version) <= 64 for version, found in FEATURE_SETS.items())
    assert all(len(set(found.names)) == len(found.names) for found in FEATURE_SETS.values())
