"""Simulate a whole marketplace, merchant by merchant, in the import format."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

from merchants.domain.simulation.cash import simulate_cash
from merchants.domain.simulation.merchant import SimulatedMerchant, Window, draw_merchant
from merchants.domain.simulation.orders import simulate_orders
from merchants.domain.simulation.rows import Rows, in_order, lines_of

MERCHANTS = 500
DAYS = 730
END = date(2026, 6, 30)
SEED = 1
CURRENCY = "CNY"
COLUMNS = ("external_id", "name", "owner_ref", "category", "region", "city", "membership", "opened_on", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedHistory:
    """One merchant's lines of a feed: its own, and those of its transactions."""

    merchant_line: str
    transaction_lines: list[str]


def window_ending(end: date, days: int) -> Window:
    """Return the window of `days` days whose last is `end`."""
    return Window(first=end - timedelta(days=days - 1), days=days)


def merchants_header() -> str:
    """Return the header of the merchants' file."""
    return _line(COLUMNS)


def simulate_history(seed: int, merchant: SimulatedMerchant, window: Window) -> Rows:
    """Draw all transactions of a merchant, in order of time."""
    orders = simulate_orders(seed, merchant, window)
    return in_order(orders, simulate_cash(seed, merchant, window, orders))


def simulate_market(*, merchants: int, seed: int, window: Window) -> Iterator[SimulatedHistory]:
    """Simulate one merchant after another: memory stays flat, and no merchant depends on how many there are."""
    for index in range(merchants):
        merchant = draw_merchant(seed, index, window)
        lines = list(lines_of(merchant, window, simulate_history(seed, merchant, window)))
        yield SimulatedHistory(merchant_line=_merchant_line(merchant), transaction_lines=lines)


def _merchant_line(merchant: SimulatedMerchant) -> str:
    return _line((
        merchant.external_id,
        merchant.name,
        merchant.owner_ref,
        merchant.category.name,
        merchant.region.name,
        merchant.city,
        merchant.membership.name,
        merchant.opened_on.isoformat(),
        CURRENCY,
    ))  # fmt: skip


def _line(texts: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(texts)
    return line.getvalue()
