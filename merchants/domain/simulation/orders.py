"""Simulate a merchant's orders, and what follows each."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from merchants.domain.simulation.catalogue import CHANNELS, SPECIAL_DAYS, WEEKDAYS
from merchants.domain.simulation.merchant import SimulatedMerchant, Window
from merchants.domain.simulation.rows import CLOSES, NONE, OPENS, REGIONAL_BUYERS, Ints, Rows, in_order, make_rows
from merchants.domain.transaction import TransactionKind

Floats: TypeAlias = NDArray[np.float64]

ANONYMOUS = 0.015  # share of sales that name no buyer
REVIEWED = 0.28
REFUNDED_BEFORE = 0.4  # share of refunds before the sale is settled, so that it never is
REFUNDED_PARTLY = 0.35
MOST_ORDERS_A_DAY = 60.0
LEAST_TICKET = 100  # minor units


def simulate_orders(seed: int, merchant: SimulatedMerchant, window: Window) -> Rows:
    """Draw sales and what follows each: dispatch, settlement, refund, dispute, cancellation, review.

    Nothing after the window's last day: it has not happened yet.
    """
    rng = np.random.default_rng([seed, merchant.index, 2])
    rates = _daily_rates(merchant, window, rng)
    day = np.repeat(np.arange(merchant.first_day, merchant.first_day + len(rates)), rng.poisson(rates))
    count = len(day)
    traits, number = merchant.traits, np.arange(count)
    amount = _amounts(merchant, count, rng)

    def after(since: Ints, least: int, most: int) -> Ints:
        return since + rng.integers(least, most + 1, count)

    cancelled = rng.random(count) < 0.003 + 0.06 * (1 - traits.service) ** 2
    late = np.where(
        rng.random(count) < 0.01 + 0.35 * (1 - traits.punctuality) ** 2, rng.geometric(0.3, count), 0
    ) * int(merchant.category.ships)
    dispatched = after(day, 1, 2) + late
    received = after(dispatched, 1, 5) if merchant.category.ships else day
    settled = after(received, 3, 9)

    refunded = ~cancelled & (rng.random(count) < _refund_rates(merchant, day))
    before = refunded & (rng.random(count) < REFUNDED_BEFORE)
    settles = ~cancelled & ~before & (settled <= window.last_day)
    partly = np.where(rng.random(count) < REFUNDED_PARTLY, rng.uniform(0.2, 0.9, count), 1.0)
    refund_day = np.where(before, np.minimum(after(day, 2, 9), settled), after(settled, 1, 12))
    refund = np.where(before, amount, np.maximum((amount * partly).astype(np.int64), 1))
    disputed = settles & ~refunded & (rng.random(count) < 0.0002 + 0.014 * (1 - traits.service) ** 3)
    reviewed = ~cancelled & (rng.random(count) < REVIEWED)

    def rows(kind: TransactionKind, which: NDArray[np.bool_], when: Ints, **columns: Ints) -> Rows:
        seen = which & (when <= window.last_day)
        second = rng.integers(OPENS, CLOSES, count)
        picked = {name: column[seen] for name, column in columns.items()}
        return make_rows(kind, day=when[seen], second=second[seen], number=number[seen], **picked)

    everything = np.ones(count, dtype=np.bool_)
    buyers, channel = _buyers(merchant, count, rng), rng.integers(len(CHANNELS), size=count)
    rating = _ratings(merchant, late, refunded, rng)
    return in_order(
        rows(TransactionKind.SALE, everything, day, amount=amount, buyer=buyers, channel=channel),
        rows(TransactionKind.CANCEL, cancelled, after(day, 1, 2), amount=amount),
        rows(TransactionKind.DISPATCH, ~cancelled & merchant.category.ships, dispatched, value=late),
        rows(TransactionKind.SETTLEMENT, settles, settled, amount=amount),
        rows(TransactionKind.REFUND, refunded, refund_day, amount=refund),
        rows(TransactionKind.CHARGEBACK, disputed, after(settled, 5, 30), amount=amount),
        rows(TransactionKind.REVIEW, reviewed, after(received, 1, 8), value=rating),
    )


def _daily_rates(merchant: SimulatedMerchant, window: Window, rng: np.random.Generator) -> Floats:
    """Compute the expected orders a day, from the first day of trading to the last."""
    traits, category = merchant.traits, merchant.category
    days = np.arange(merchant.first_day, merchant.last_day + 1)
    years = (days - days.mean()) / 365
    log = np.log(merchant.daily_orders) + rng.normal(0.9 * (traits.momentum - 0.45), 0.2) * years
    if rng.random() < 0.5 * (1 - traits.momentum):
        begins = rng.uniform(0.4, 0.95) * len(days)
        log -= rng.uniform(0.8, 3.0) * np.maximum(np.arange(len(days)) - begins, 0) / 365
    spread = 0.06 + 0.8 * (1 - traits.steadiness) ** 1.5
    log += (rng.normal(-(spread**2) / 2, spread, len(days) // 7 + 1))[np.arange(len(days)) // 7]
    start = window.first.timetuple()
    of_year = (start.tm_yday - 1 + days) % 365
    log += category.swing * np.cos(2 * np.pi * (of_year - category.peak) / 365)
    rates = np.exp(log) * np.array(WEEKDAYS)[(start.tm_wday + days) % 7]
    for first, last, factor in SPECIAL_DAYS:
        rates[(of_year >= first) & (of_year <= last)] *= factor
    for _ in range(int(rng.poisson(1.5 * (1 - traits.steadiness) ** 2 * len(days) / 365))):  # closed for a while
        begins = int(rng.integers(len(days)))
        rates[begins : begins + int(rng.integers(7, 36))] *= 0.05
    if merchant.first_day > 0:
        rates *= np.minimum(0.3 + 0.7 * np.arange(len(days)) / 60, 1.0)  # a new shop becomes known gradually
    capped: Floats = np.minimum(rates, MOST_ORDERS_A_DAY)
    return capped


def _amounts(merchant: SimulatedMerchant, count: int, rng: np.random.Generator) -> Ints:
    """Draw the orders' amounts, in minor units, whole tenths of a yuan."""
    ticket = merchant.category.ticket * np.exp(rng.normal(0.0, 0.35))
    drawn = ticket * np.exp(rng.normal(0.0, 0.55, count))
    minor: Ints = np.maximum(np.rint(drawn * 10).astype(np.int64) * 10, LEAST_TICKET)
    return minor


def _refund_rates(merchant: SimulatedMerchant, day: Ints) -> Floats:
    """Compute each order's probability of a refund: with weak service it rises over time."""
    weakness = 1 - merchant.traits.service
    progress = (day - merchant.first_day) / max(merchant.last_day - merchant.first_day, 1)
    rates: Floats = (0.005 + 0.26 * weakness**2.2) * (0.7 + 0.6 * weakness * progress)
    return rates


def _buyers(merchant: SimulatedMerchant, count: int, rng: np.random.Generator) -> Ints:
    """Draw buyers: once-only ones, regulars, a few very frequent ones, and some without a name."""
    loyalty = merchant.traits.loyalty
    regulars = max(3, int(0.12 * count))
    favourite = (regulars * rng.random(count) ** (1.3 + 3.0 * (1 - loyalty))).astype(np.int64)
    once = regulars + np.arange(count)
    known = np.where(rng.random(count) < 0.12 + 0.35 * (1 - loyalty), favourite, once)
    # Everyone lives in the region, so that shops share buyers.
    people = rng.integers(REGIONAL_BUYERS, size=regulars + count)
    return np.where(rng.random(count) < ANONYMOUS, NONE, people[known])


def _ratings(merchant: SimulatedMerchant, late: Ints, refunded: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Draw ratings from 1 to 5: lower where an order came late or was sent back."""
    mood = 5.1 - 1.2 * (1 - merchant.traits.service) - 0.45 * np.minimum(late, 4) - 1.5 * refunded
    return np.clip(np.rint(mood + rng.normal(0.0, 0.7, len(late))), 1, 5).astype(np.int64)
