"""Make small columns and peers by hand."""

import numpy as np

from scoring.domain.features.characteristics import Peers
from scoring.domain.features.columns import Column, column_of
from scoring.domain.features.declarations import Feed
from scoring.domain.features.measures import MEASURE_NAMES, NULLABLE_MEASURES
from scoring.domain.features.repayment import BEHAVIOUR_MEASURE_NAMES

NAMES = (*MEASURE_NAMES, *BEHAVIOUR_MEASURE_NAMES)


def measures_of(*merchants: dict[str, int]) -> dict[str, Column]:
    """Give each merchant these measures, and of the others what no row at all gives."""
    assert {name for merchant in merchants for name in merchant} <= set(NAMES)
    return {
        name: column_of([merchant.get(name, None if name in NULLABLE_MEASURES else 0) for merchant in merchants])
        for name in NAMES
    }


def peers_of(size: int, *, carried: frozenset[Feed] = frozenset(Feed), rating: tuple[int, int] = (400, 100)) -> Peers:
    return Peers(
        cell=np.zeros(size, np.int64),
        cuts=np.arange(1, 100, dtype=np.int64).reshape(1, 99) * 100,
        rating_sum=np.full(size, rating[0]),
        rating_count=np.full(size, rating[1]),
        carried={feed: np.full(size, feed in carried) for feed in Feed},
    )
