"""Simulate a merchant's balance with the platform: fees, payouts and deposits."""

import numpy as np

from merchants.domain.simulation.merchant import SimulatedMerchant, Window
from merchants.domain.simulation.rows import Ints, Rows, in_order, make_rows, of_kind
from merchants.domain.transaction import TransactionKind

FEES_EVERY = 30  # days
REMEMBERED = 60  # days over which a merchant averages its daily takings
LEAST_PAYOUT = 50_000  # minor units
INTERVALS = ((0.08, 28), (0.3, 14), (1.5, 7))  # most orders a day, days between payouts
DAILY = 0.2  # share of the larger shops that ask every day; the others ask every week
RESCUED = 0.5  # how often an owner deposits cash on finding the account overdrawn
CAPITALISED = 0.06  # share of shops that start with a deposit
MORNING, NOON, EVENING = 9 * 3600, 12 * 3600, 22 * 3600


def simulate_cash(
    seed: int, merchant: SimulatedMerchant, window: Window, orders: Rows, *, drained_from: int | None = None
) -> Rows:
    """Draw fees, payouts and deposits from the cash flow of the orders.

    A thrifty merchant leaves a cushion of many days' takings; a spendthrift withdraws everything, and the next
    fee or refund overdraws the account. From `drained_from` on, whatever there is is withdrawn every day.
    """
    rng = np.random.default_rng([seed, merchant.index, 3])
    settled = _by_day(of_kind(orders, TransactionKind.SETTLEMENT), window)
    fee = _fees(merchant, window, settled, rng)
    standing = np.cumsum(settled - _taken_back(orders, window) - fee).tolist()
    taken = np.concatenate(([0], np.cumsum(settled))).tolist()

    thrift = merchant.traits.thrift
    cushion = 75 * thrift**1.6 * np.exp(rng.normal(0.0, 0.2))
    skips = 0.02 + 0.15 * thrift
    payouts, deposits = dict[int, int](), dict[int, int]()
    drawn = 0
    if rng.random() < CAPITALISED:
        deposits[merchant.first_day] = int(rng.integers(20, 200)) * 100_000
        drawn -= deposits[merchant.first_day]
    closed = merchant.last_day + 40
    days = list(range(merchant.first_day + 3 + merchant.index % 7, window.days, _payout_interval(merchant, rng)))
    if drained_from is not None:
        days = [*(day for day in days if day < drained_from), *range(drained_from, window.days)]
    for day in days:
        balance = standing[day] - drawn
        chance, luck = rng.random(2).tolist()
        if balance < 0:
            if chance < RESCUED:
                deposits[day] = deposits.get(day, 0) + -balance + int(luck * 500_000)
                drawn -= deposits[day]
            continue
        seen = min(day + 1 - merchant.first_day, REMEMBERED)
        daily = (taken[day + 1] - taken[day + 1 - seen]) / seen
        is_leaving = drained_from is not None and day >= drained_from
        keep = 0.0 if is_leaving or (day > closed and merchant.last_day < window.last_day) else cushion * daily
        payout = int((balance - keep) // 100) * 100
        if payout >= LEAST_PAYOUT and (is_leaving or chance > skips):
            payouts[day] = payout
            drawn += payout
    return in_order(
        _cash_rows(TransactionKind.FEE, fee, EVENING, rng),
        _cash_rows(TransactionKind.PAYOUT, _spread(payouts, window), NOON, rng),
        _cash_rows(TransactionKind.DEPOSIT, _spread(deposits, window), MORNING, rng),
    )


def _payout_interval(merchant: SimulatedMerchant, rng: np.random.Generator) -> int:
    """Draw the days between payouts: large shops ask daily or weekly, small ones once or twice a month."""
    for most, days in INTERVALS:
        if merchant.daily_orders <= most:
            return days
    return 1 if rng.random() < DAILY else 7


def _fees(merchant: SimulatedMerchant, window: Window, settled: Ints, rng: np.random.Generator) -> Ints:
    """Compute the monthly charges: commission, and what the merchant spends on promotion."""
    share = merchant.membership.commission + 0.08 * rng.random() * (1 - merchant.traits.thrift)
    fee = np.zeros(window.days, np.int64)
    charged = np.arange(merchant.index % FEES_EVERY, window.days, FEES_EVERY)
    total = np.cumsum(settled)[charged]
    fee[charged] = np.rint(np.diff(total, prepend=0) * share).astype(np.int64)
    return fee


def _taken_back(orders: Rows, window: Window) -> Ints:
    """Sum by day what is refunded or disputed after settlement; an order that never settled takes nothing back."""
    released = of_kind(orders, TransactionKind.SETTLEMENT)["number"]
    refunds = of_kind(orders, TransactionKind.REFUND)
    refunds = refunds[np.isin(refunds["number"], released)]
    return _by_day(refunds, window) + _by_day(of_kind(orders, TransactionKind.CHARGEBACK), window)


def _by_day(rows: Rows, window: Window) -> Ints:
    sums = np.zeros(window.days, np.int64)
    np.add.at(sums, rows["day"], rows["amount"])
    return sums


def _spread(amounts: dict[int, int], window: Window) -> Ints:
    spread = np.zeros(window.days, np.int64)
    spread[list(amounts)] = list(amounts.values())
    return spread


def _cash_rows(kind: TransactionKind, amount: Ints, hour: int, rng: np.random.Generator) -> Rows:
    day = np.flatnonzero(amount)
    second = hour + rng.integers(3_600, size=len(day))
    return make_rows(kind, day=day, second=second, number=np.arange(len(day)), amount=amount[day])
