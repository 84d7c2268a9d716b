"""Simulate a whole marketplace, merchant by merchant, in the import format."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

from merchants.domain.simulation.cash import simulate_cash
from merchants.domain.simulation.merchant import SimulatedMerchant, Window, draw_merchant
from merchants.domain.simulation.orders import simulate_orders
from merchants.domain.simulation.rows import Rows, in_order, lines_of, recorded_lines
from merchants.domain.simulation.schemes import Cheated, Schemes, draw_cheat, make_up, recorded_days
from merchants.domain.simulation.trouble import Trouble, Troubled, draw_trouble, in_trouble

MERCHANTS = 500
DAYS = 730
END = date(2026, 6, 30)
SEED = 1
CURRENCY = "CNY"
COLUMNS = ("external_id", "name", "owner_ref", "category", "region", "city", "membership", "opened_on", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedHistory:
    """One merchant's lines of a feed: its own, those of its transactions; of its trouble and scheme ("" without)."""

    merchant_line: str
    transaction_lines: list[str]
    trouble_line: str
    scheme_line: str


def window_ending(end: date, days: int) -> Window:
    """Return the window of `days` days whose last is `end`."""
    return Window(first=end - timedelta(days=days - 1), days=days)


def merchants_header() -> str:
    """Return the header of the merchants' file."""
    return _line(COLUMNS)


def troubles_header() -> str:
    """Return the header of the file that tells which merchants got into trouble, which no feed does."""
    return _line(("merchant", "trouble", "begins_on"))


def schemes_header() -> str:
    """Return the header of the file that tells who made up what, which no feed does; amounts in minor units."""
    return _line(("merchant", "scheme", "strength", "orders", "amount_minor", "cost_minor"))


def simulate_history(
    seed: int,
    merchant: SimulatedMerchant,
    window: Window,
    trouble: Troubled | None = None,
    cheated: Cheated | None = None,
) -> Rows:
    """Draw all transactions of a merchant, in order of time."""
    orders, drained_from = simulate_orders(seed, merchant, window) if cheated is None else cheated.orders, None
    if trouble is not None:
        orders = in_trouble(seed, merchant, window, orders, trouble)
        drained_from = None if trouble.kind is Trouble.FALL else trouble.begins
    return in_order(orders, simulate_cash(seed, merchant, window, orders, drained_from=drained_from))


def simulate_market(
    *, merchants: int, seed: int, window: Window, troubled: int = 0, schemes: Schemes | None = None
) -> Iterator[SimulatedHistory]:
    """Simulate one merchant after another: memory stays flat, and no merchant depends on how many there are.

    troubled: how many in a hundred get into trouble; the others stay as they were without, as do those that do not
    cheat where `schemes` are given. Who cheats is not in trouble.
    """
    for index in range(merchants):
        merchant = draw_merchant(seed, index, window)
        cheat = None if schemes is None else draw_cheat(seed, merchant, window, schemes)
        trouble = None if cheat is not None else draw_trouble(seed, merchant, window, percent=troubled)
        made = None if cheat is None or schemes is None else make_up(seed, merchant, window, cheat, schemes)
        rows = simulate_history(seed, merchant, window, trouble, made)
        lines = lines_of(merchant, window, rows)
        if schemes is not None:
            lines = recorded_lines(lines, window, recorded_days(seed, merchant, window, rows, made))
        yield SimulatedHistory(
            merchant_line=_merchant_line(merchant),
            transaction_lines=list(lines),
            trouble_line=""
            if trouble is None
            else _line((merchant.external_id, trouble.kind, window.on(trouble.begins).isoformat())),
            scheme_line=""
            if cheat is None or made is None or schemes is None
            else _line(
                (
                    merchant.external_id,
                    cheat.scheme,
                    *map(
                        str, (cheat.strength, len(made.made_up), made.made_up_minor, made.cost_minor(schemes.cost_bp))
                    ),
                )
            ),
        )


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
