"""Let some simulated merchants get into trouble near the end of the window, as borrowers do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from merchants.domain.simulation.merchant import SimulatedMerchant, Window
from merchants.domain.simulation.rows import NONE, Ints, Rows, in_order, make_rows, of_kind
from merchants.domain.transaction import TransactionKind

EARLIEST, LATEST = 180, 15
"""Days before the window's end between which trouble begins."""
FALLS_FOR: Final = 45
"""Days in which sales fall to what is left of them."""
LEFT: Final = 0.05
STAYS_LOYAL, STAYS = 0.08, 0.45
"""Shares of the purchases that are still made on the platform: of repeat buyers, of others."""
CHEATS_FOR: Final = 21
"""Days in which a merchant that means to leave sells what it never sends."""
RUSH: Final = 10
"""Days before, in which it no longer sends either."""
CHARGED_BACK: Final = 0.6
OPENS, CLOSES = 9 * 3600, 21 * 3600


class Trouble(StrEnum):
    """FALL: sales fall away. DIVERSION: buyers are led elsewhere. EXIT: it sells, draws everything out, and is gone."""

    FALL = "FALL"
    DIVERSION = "DIVERSION"
    EXIT = "EXIT"


@dataclass(frozen=True, slots=True)
class Troubled:
    """What happens to a merchant, from a day of the window on."""

    kind: Trouble
    begins: int


def draw_trouble(seed: int, merchant: SimulatedMerchant, window: Window, *, percent: int) -> Troubled | None:
    """Draw whether a merchant that trades to the end gets into trouble, the same however many others there are."""
    rng = np.random.default_rng([seed, merchant.index, 4])
    is_troubled = rng.integers(100) < percent
    kind = list(Trouble)[int(rng.integers(len(Trouble)))]
    begins = window.days - int(rng.integers(LATEST, EARLIEST + 1))
    trades = merchant.last_day == window.last_day and merchant.first_day < begins
    return Troubled(kind, begins) if is_troubled and trades else None


def in_trouble(seed: int, merchant: SimulatedMerchant, window: Window, orders: Rows, trouble: Troubled) -> Rows:
    """Return the orders of a merchant as trouble leaves them; an order is lost with all that follows it."""
    rng = np.random.default_rng([seed, merchant.index, 5])
    sales = of_kind(orders, TransactionKind.SALE)
    since = sales["day"] - trouble.begins
    stays = np.ones(len(sales))
    if trouble.kind is Trouble.FALL:
        stays = np.clip(1 - since / FALLS_FOR, LEFT, 1)
    elif trouble.kind is Trouble.DIVERSION:
        stays = np.where(since < 0, 1.0, np.where(_is_loyal(sales, trouble.begins), STAYS_LOYAL, STAYS))
    else:
        stays = np.where(since < CHEATS_FOR, 1.0, 0.0)
    lost = sales["number"][rng.random(len(sales)) >= stays]
    left = orders[~np.isin(orders["number"], lost)]
    return _cheated(left, trouble, window, rng) if trouble.kind is Trouble.EXIT else left


def _is_loyal(sales: Rows, begins: int) -> NDArray[np.bool_]:
    """Check of each sale whether its buyer bought at least twice before trouble began."""
    before = sales["buyer"][(sales["day"] < begins) & (sales["buyer"] != NONE)]
    buyers, times = np.unique(before, return_counts=True)
    return np.isin(sales["buyer"], buyers[times > 1])


def _cheated(orders: Rows, trouble: Troubled, window: Window, rng: np.random.Generator) -> Rows:
    """Leave the last orders unsent, and let most of their buyers take their money back."""
    sales = of_kind(orders, TransactionKind.SALE)
    last = sales[sales["day"] >= trouble.begins - RUSH]
    unsent = (orders["kind"] == _code(TransactionKind.DISPATCH)) & np.isin(orders["number"], last["number"])
    disputed = last[rng.random(len(last)) < CHARGED_BACK]
    day = disputed["day"] + rng.integers(12, 40, len(disputed))
    second: Ints = rng.integers(OPENS, CLOSES, len(disputed))
    known = of_kind(orders, TransactionKind.CHARGEBACK)["number"]
    seen = (day <= window.last_day) & ~np.isin(disputed["number"], known)
    back = make_rows(
        TransactionKind.CHARGEBACK,
        day=day[seen],
        second=second[seen],
        number=disputed["number"][seen],
        amount=disputed["amount"][seen],
    )
    return in_order(orders[~unsent], back)


def _code(kind: TransactionKind) -> int:
    return list(TransactionKind).index(kind)
