"""The policy of early warning: which signals are watched, when each fires, and what it leads to, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Final

from config.kernel.policies import PolicyMalformed, forms_of, read_policy
from lending.domain.contract.fields import require_range

DAY_ONE_WATCH: Final = Path(__file__).parent / "day_one.json"
"""The policy that comes with Tradeline: it counts until another is entered."""
MOST_DAYS: Final = 365
MOST_COUNT: Final = 100_000


class Signal(StrEnum):
    """What may be a sign of trouble."""

    SALES_BELOW_SEASON = "SALES_BELOW_SEASON"
    SALES_BELOW_PEERS = "SALES_BELOW_PEERS"
    SILENT = "SILENT"
    DIVERSION = "DIVERSION"
    REFUNDS = "REFUNDS"
    DISPUTES = "DISPUTES"
    LATE_DISPATCHES = "LATE_DISPATCHES"
    DRAINED = "DRAINED"
    SHORT_OF_INSTALMENT = "SHORT_OF_INSTALMENT"


class Effect(StrEnum):
    """What a warning leads to, beside being shown.

    REVIEW: it waits for a person. NO_OFFER: no new offer, and what is applied for waits for a person. FREEZE: likewise,
    and nothing is drawn on credit lines. RESCORE: the merchant is scored afresh at once.
    """

    REVIEW = "REVIEW"
    RESCORE = "RESCORE"
    NO_OFFER = "NO_OFFER"
    FREEZE = "FREEZE"


Days = Annotated[int, partial(require_range, lowest=0, highest=MOST_DAYS)]
Count = Annotated[int, partial(require_range, lowest=1, highest=MOST_COUNT)]
ShareBps = Annotated[int, partial(require_range, lowest=0, highest=1_000_000)]
Sigmas = Annotated[int, partial(require_range, lowest=0, highest=100)]
Number = Annotated[int, partial(require_range, lowest=1, highest=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a signal fires.

    share_bps: the share of what is expected from which on what was seen is bad, on the side of the signal. least: the
    count below which nothing is told: of what is expected where a fall is bad, of what was seen where a rise is; days
    of silence; days before an instalment from which on it is watched. sigmas: how many standard deviations of a
    Poisson count must lie between the two.
    """

    share_bps: ShareBps
    least: Count
    sigmas: Sigmas
    effects: frozenset[Effect]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How merchants are watched.

    peers_least: how many merchants make peers; with fewer in a category and region, all of the category do, or all.
    lifted_after_days: for how long a signal has not fired before its warning is lifted. quiet_days: for how long it
    raises none again after a person lifted it. signals: those that are watched.
    """

    version: Number
    peers_least: Count
    lifted_after_days: Days
    quiet_days: Days
    signals: Mapping[Signal, Rule]


@cache
def day_one_watch() -> WatchPolicy:
    """Return the policy that counts before one is entered."""
    return _policy_of(DAY_ONE_WATCH.read_text(encoding="utf-8"))


def _policy_of(text: str) -> WatchPolicy:
    policy = read_policy(WatchPolicy, text)
    if not policy.signals:
        message = "signals: none is watched"
        raise PolicyMalformed(message)
    return policy


canonical_watch, parse_watch = forms_of(_policy_of)
