"""Draw a simulated merchant: what the market sees of it, and its quality, which only its rows show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

from merchants.domain.simulation.catalogue import CATEGORIES, MEMBERSHIPS, REGIONS, Category, Membership, Region
from merchants.domain.simulation.names import invent_name

Weighted = TypeVar("Weighted", Category, Membership, Region)

MEDIAN_DAILY_ORDERS = 0.19
VOLUME_SPREAD = 1.05  # of the logarithm: the top 1 % sell over ten times the median
MOST_DAILY_ORDERS = 15.0
OWNER_BLOCK = 3  # shops of one owner are neighbours, so that an owner never depends on how many merchants there are
YOUNG = 85  # days: too short a history to be scored
LONGEST_BEFORE = 1_800  # days before the window that a shop may have opened
OPENED_BEFORE, OPENED_WITHIN = 0.60, 0.92  # cumulative shares of shops; the rest are young
TINY = 0.06  # share of shops with a handful of orders in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The days a market is simulated for, numbered from 0."""

    first: date
    days: int

    @property
    def last_day(self) -> int:
        """The number of the last day."""
        return self.days - 1

    def on(self, day: int) -> date:
        """Return the date of a day."""
        return self.first + timedelta(days=day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How good a merchant is at what, each from 0 to 1, scattered around one latent quality.

    steadiness: sales from week to week; service: refunds, disputes, cancellations; punctuality: dispatch;
    thrift: the cushion it leaves in its account; momentum: growth; loyalty: how broad its customer base is.
    """

    quality: float
    steadiness: float
    service: float
    punctuality: float
    thrift: float
    momentum: float
    loyalty: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMerchant:
    """A merchant of the market; it trades from first_day to last_day, both included."""

    index: int
    external_id: str
    name: str
    owner_ref: str
    category: Category
    region: Region
    city: str
    membership: Membership
    opened_on: date
    first_day: int
    last_day: int
    daily_orders: float
    traits: Traits


def draw_merchant(seed: int, index: int, window: Window) -> SimulatedMerchant:
    """Draw the merchant with this index, the same however many others there are."""
    rng = np.random.default_rng([seed, index, 0])
    traits = _draw_traits(rng)
    category, region = _pick(CATEGORIES, rng), _pick(REGIONS, rng)
    opened = _draw_opening(window, rng)
    first_day = max(opened, 0)
    last_day = _draw_closing(first_day, traits, window, rng)
    orders = MEDIAN_DAILY_ORDERS * np.exp(rng.normal(0.8 * (traits.quality - 0.5), VOLUME_SPREAD))
    if rng.random() < TINY:
        orders = rng.uniform(2, 9) / (last_day - first_day + 1)
    return SimulatedMerchant(
        index=index,
        external_id=f"S{index + 1:05d}",
        name=invent_name(category.name, rng),
        owner_ref=f"W{_owner_of(seed, index) + 1:05d}",
        category=category,
        region=region,
        city=region.cities[int(rng.integers(len(region.cities)))],
        membership=_pick(MEMBERSHIPS, rng),
        opened_on=window.on(opened),
        first_day=first_day,
        last_day=last_day,
        daily_orders=min(float(orders), MOST_DAILY_ORDERS),
        traits=traits,
    )


def _draw_traits(rng: np.random.Generator) -> Traits:
    quality = float(rng.beta(1.5, 1.2))
    scattered = np.clip(quality + rng.normal(0.0, 0.12, 6), 0.01, 0.99)
    steadiness, service, punctuality, thrift, momentum, loyalty = scattered.tolist()
    return Traits(
        quality=quality,
        steadiness=steadiness,
        service=service,
        punctuality=punctuality,
        thrift=thrift,
        momentum=momentum,
        loyalty=loyalty,
    )


def _draw_opening(window: Window, rng: np.random.Generator) -> int:
    """Draw the day a shop opened: most before the window, some within, a few near its end."""
    kind, share = rng.random(2).tolist()
    if kind < OPENED_BEFORE:
        return -1 - int(share * LONGEST_BEFORE)
    youngest = min(YOUNG, window.last_day)
    if kind < OPENED_WITHIN:
        return int(share * (window.days - youngest))
    return window.days - 1 - int(share * youngest)


def _draw_closing(first_day: int, traits: Traits, window: Window, rng: np.random.Generator) -> int:
    """Draw the last day of trading: a weak shop closes more often."""
    closes, share = rng.random(2).tolist()
    if closes < 0.02 + 0.16 * (1 - traits.quality) ** 2:
        return first_day + int((0.3 + 0.7 * share) * (window.last_day - first_day))
    return window.last_day


def _owner_of(seed: int, index: int) -> int:
    """Draw the owner among three neighbours: mostly each its own, sometimes one for two or three shops."""
    block, place = divmod(index, OWNER_BLOCK)
    drawn = np.random.default_rng([seed, block, 1]).random()
    together = OWNER_BLOCK - int(np.searchsorted((0.03, 0.12), drawn, side="right"))
    return block * OWNER_BLOCK + (0 if place < together else place)


def _pick(things: Sequence[Weighted], rng: np.random.Generator) -> Weighted:
    weights = np.cumsum([thing.weight for thing in things])
    return things[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
