"""Let some simulated merchants make up sales before they apply for a loan."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np

from merchants.domain.simulation.cash import simulate_cash
from merchants.domain.simulation.catalogue import CHANNELS
from merchants.domain.simulation.merchant import OWNER_BLOCK, SimulatedMerchant, Window
from merchants.domain.simulation.orders import simulate_orders
from merchants.domain.simulation.rows import (
    CASH,
    CLOSES,
    KINDS,
    OPENS,
    REGIONAL_BUYERS,
    Ints,
    Rows,
    in_order,
    make_rows,
    of_kind,
)
from merchants.domain.transaction import TransactionKind

T = TypeVar("T")

STRENGTHS: Final = (20, 50, 100)
COST_BP: Final = 800
"""Basis points of a made-up sale: the platform's commission, postage of an empty parcel, what the accounts ask for."""
LASTS: Final = 90
"""Days before the window's end in which sales are made up."""
LEAST: Final = 8
"""Orders: with fewer, nobody's limit moves."""
ORDERS_AN_ACCOUNT: Final = 6
INVENTED: Final = (180, 420)
"""Days of history that are invented before the first real sale."""
YOUTH: Final = (40, 110)
"""Days for which a shop with an invented past has really sold."""
SENT: Final = (3, 12)
"""Days before the end on which an invented past is sent."""
PRAISED: Final = 0.5
"""Share of sales made up that are reviewed, with five stars."""
UNKNOWN_TICKET: Final = 100_000
RECORDED_WITHIN: Final = 2
"""Days after which an honest row is recorded at the latest."""


class Scheme(StrEnum):
    """How sales are made up.

    CAPTIVE: accounts that buy nowhere else. RING: shops of one neighbourhood buy from each other, through accounts they
    share. CYCLE: what is paid out buys from the shop again. BURST: many sales within a few days before the end.
    RETURNED: sales that are refunded after the score has counted them, as others were before. INVENTED: a young
    shop sends a past that never was.
    """

    CAPTIVE = "CAPTIVE"
    RING = "RING"
    CYCLE = "CYCLE"
    BURST = "BURST"
    RETURNED = "RETURNED"
    INVENTED = "INVENTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemes:
    """How many merchants cheat, how, and what it costs them.

    percent: of the merchants that could; kinds: drawn among these; strengths: sales made up, in percent of the real
    ones of the same days; cost_bp: of each sale made up; is_withheld: the cheaters send nothing of it after all: so
    two markets show what they gain.
    """

    percent: int
    kinds: tuple[Scheme, ...] = tuple(Scheme)
    strengths: tuple[int, ...] = STRENGTHS
    cost_bp: int = COST_BP
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class Cheat:
    """What a merchant does: sales made up, in percent of its real ones of the same days."""

    scheme: Scheme
    strength: int


@dataclass(frozen=True, slots=True)
class Cheated:
    """The orders of a merchant that cheats, and which of them it made up, with their amount in minor units.

    sent_on: the day on which an invented past is recorded, None if all is recorded as it happens.
    """

    orders: Rows
    made_up: Ints
    made_up_minor: int
    sent_on: int | None

    def cost_minor(self, cost_bp: int) -> int:
        """Return what it costs to make them up, in minor units."""
        return self.made_up_minor * cost_bp // 10_000


def draw_cheat(seed: int, merchant: SimulatedMerchant, window: Window, schemes: Schemes) -> Cheat | None:
    """Draw whether a merchant that trades to the end cheats, the same however many others there are.

    A ring is three neighbours; each merchant is in one as often as it has any other scheme.
    """
    if merchant.last_day != window.last_day or merchant.first_day > window.days - 2 * LASTS:
        return None
    alone = [kind for kind in schemes.kinds if kind is not Scheme.RING]
    share = schemes.percent / 100 / len(schemes.kinds)
    block = np.random.default_rng([seed, merchant.index // OWNER_BLOCK, 6])
    if Scheme.RING in schemes.kinds and block.random() < share:
        return Cheat(Scheme.RING, _one_of(schemes.strengths, block))
    rng = np.random.default_rng([seed, merchant.index, 7])
    return Cheat(_one_of(alone, rng), _one_of(schemes.strengths, rng)) if rng.random() < share * len(alone) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shop:
    """A shop that cheats: its honest orders, and the random stream of what it makes up."""

    seed: int
    merchant: SimulatedMerchant
    window: Window
    orders: Rows
    rng: np.random.Generator

    @property
    def sales(self) -> Rows:
        return of_kind(self.orders, TransactionKind.SALE)


def make_up(seed: int, merchant: SimulatedMerchant, window: Window, cheat: Cheat, schemes: Schemes) -> Cheated:
    """Return the orders of a merchant with those it makes up; without them, if they are withheld."""
    rng, orders = np.random.default_rng([seed, merchant.index, 8]), simulate_orders(seed, merchant, window)
    sent_on, opened = None, 0
    if cheat.scheme is Scheme.INVENTED:
        opened, sent_on = window.days - int(rng.integers(*YOUTH)), window.days - int(rng.integers(*SENT))
        orders = _since(orders, opened)
    shop = _Shop(seed=seed, merchant=merchant, window=window, orders=orders, rng=rng)
    made = _past(shop, cheat, opened) if cheat.scheme is Scheme.INVENTED else _sales(shop, cheat)
    sales = of_kind(made, TransactionKind.SALE)
    return Cheated(
        orders=orders if schemes.is_withheld else in_order(orders, made),
        made_up=sales["number"],
        made_up_minor=int(sales["amount"].sum()),
        sent_on=sent_on,
    )


def recorded_days(seed: int, merchant: SimulatedMerchant, window: Window, rows: Rows, made: Cheated | None) -> Ints:
    """Draw the day on which each row was recorded: at most two days after it happened, an invented past in one lump."""
    rng = np.random.default_rng([seed, merchant.index, 9])
    day = np.minimum(rows["day"] + rng.integers(RECORDED_WITHIN + 1, size=len(rows)), window.last_day)
    if made is None or made.sent_on is None:
        return np.asarray(day, np.int64)
    is_cash = np.isin(rows["kind"], [KINDS.index(kind) for kind in CASH])
    is_late = np.isin(rows["number"], made.made_up) & ~is_cash & (day < made.sent_on)
    return np.where(is_late, made.sent_on, day)


def _sales(shop: _Shop, cheat: Cheat) -> Rows:
    """Make up sales of the last quarter, by accounts that the merchant, or its ring, has at hand."""
    day, back = _days(shop, cheat)
    index = shop.merchant.index
    owner = index // OWNER_BLOCK * OWNER_BLOCK if cheat.scheme is Scheme.RING else index
    accounts = REGIONAL_BUYERS + 1_000 * owner + np.arange(max(3, len(day) // ORDERS_AN_ACCOUNT))
    made = _paid(shop, day, accounts[shop.rng.integers(len(accounts), size=len(day))])
    if back is None:
        return made
    refunded = of_kind(made, TransactionKind.SALE)
    day = refunded["day"] + back
    refunded, day = refunded[day <= shop.window.last_day], day[day <= shop.window.last_day]
    refund = make_rows(
        TransactionKind.REFUND,
        day=day,
        second=shop.rng.integers(OPENS, CLOSES, len(day)),
        number=refunded["number"],
        amount=refunded["amount"],
    )
    return in_order(made, refund)


def _days(shop: _Shop, cheat: Cheat) -> tuple[Ints, int | None]:
    """Draw the days of the sales that are made up, and after how many days they are refunded, if they are."""
    rng, last, first = shop.rng, shop.window.last_day, shop.window.days - LASTS
    count = max(LEAST, int((shop.sales["day"] >= first).sum()) * cheat.strength // 100)
    if cheat.scheme is Scheme.BURST:
        peaks = shop.window.days - rng.integers(3, 30, 3)
        return peaks[rng.integers(len(peaks), size=count)] + rng.integers(2, size=count), None
    if cheat.scheme is Scheme.CYCLE:
        cash = simulate_cash(shop.seed, shop.merchant, shop.window, shop.orders)
        paid = of_kind(cash, TransactionKind.PAYOUT)["day"]
        paid = paid[(paid >= first - LASTS) & (paid < last - 2)]
        if len(paid):
            after = paid[rng.integers(len(paid), size=2 * count)] + rng.integers(3, size=2 * count)
            return np.minimum(after, last), None
    if cheat.scheme is Scheme.RETURNED:
        # The sales of the quarter before were refunded when they had been counted; those of this one will be.
        before = rng.integers(first - 120, first - 60, count)
        return np.concatenate([rng.integers(first, shop.window.days, count), before]), LASTS - 30
    return rng.integers(first, shop.window.days, count), None


def _since(orders: Rows, opened: int) -> Rows:
    sales = of_kind(orders, TransactionKind.SALE)
    young: Rows = orders[np.isin(orders["number"], sales["number"][sales["day"] >= opened])]
    return young


def _past(shop: _Shop, cheat: Cheat, opened: int) -> Rows:
    """Make up a past that looks like what the shop has sold since it opened, by buyers who come once."""
    days = min(opened, int(shop.rng.integers(*INVENTED)))
    rate = max(len(shop.sales), LEAST) / (shop.window.days - opened)
    count = max(LEAST, int(rate * days * (50 + cheat.strength // 2) / 100))
    day = shop.rng.integers(opened - days, opened, count)
    return _paid(shop, day, shop.rng.integers(REGIONAL_BUYERS, size=count))


def _paid(shop: _Shop, day: Ints, buyer: Ints) -> Rows:
    """Return sales that are made up and all that belongs to one: sent, settled, praised."""
    rng, last, count = shop.rng, shop.window.last_day, len(day)
    known = shop.sales["amount"] if len(shop.sales) else np.array([UNKNOWN_TICKET])
    amount = known[rng.integers(len(known), size=count)]
    number = int(shop.orders["number"].max(initial=0)) + 1 + np.arange(count)

    def rows(kind: TransactionKind, when: Ints, share: float = 1.0, **columns: Ints) -> Rows:
        seen = (when <= last) & (rng.random(count) < share)
        second = rng.integers(OPENS, CLOSES, count)
        picked = {name: column[seen] for name, column in columns.items()}
        return make_rows(kind, day=when[seen], second=second[seen], number=number[seen], **picked)

    sent = day + rng.integers(1, 3, count)
    settled = sent + rng.integers(4, 12, count)
    channel = rng.integers(len(CHANNELS), size=count)
    return in_order(
        rows(TransactionKind.SALE, day, amount=amount, buyer=buyer, channel=channel),
        rows(TransactionKind.DISPATCH, sent, float(shop.merchant.category.ships), value=np.zeros(count, np.int64)),
        rows(TransactionKind.SETTLEMENT, settled, amount=amount),
        rows(TransactionKind.REVIEW, settled, PRAISED, value=np.full(count, 5)),
    )


def _one_of(things: Sequence[T], rng: np.random.Generator) -> T:
    return things[int(rng.integers(len(things)))]
