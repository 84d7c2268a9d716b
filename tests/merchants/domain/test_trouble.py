import csv
from collections import Counter
from datetime import date

import numpy as np
import pytest

from merchants.domain.simulation.market import simulate_history, simulate_market, window_ending
from merchants.domain.simulation.merchant import SimulatedMerchant, draw_merchant
from merchants.domain.simulation.rows import Rows, of_kind
from merchants.domain.simulation.trouble import Trouble, Troubled, draw_trouble
from merchants.domain.transaction import TransactionKind

WINDOW = window_ending(date(2026, 6, 30), 400)
BEGINS = WINDOW.days - 100


def busy_merchant() -> SimulatedMerchant:
    """Give the first that sells a lot, and to the end."""
    found = (draw_merchant(1, index, WINDOW) for index in range(400))
    return next(one for one in found if one.daily_orders > 2 and one.last_day == WINDOW.last_day and one.first_day == 0)


def split(rows: Rows, kind: TransactionKind) -> tuple[int, int]:
    """Count rows of a kind in the 60 days before trouble began, and in the last 60."""
    day = of_kind(rows, kind)["day"]
    return int(((day >= BEGINS - 60) & (day < BEGINS)).sum()), int((day >= WINDOW.days - 60).sum())


def early(rows: Rows) -> Rows:
    """Give what came before anything could change, but for the hours of payouts, which are drawn for all of them."""
    known: Rows = rows[rows["day"] < BEGINS - 11][["kind", "day", "number", "amount", "buyer", "value"]]
    return np.sort(known)


@pytest.mark.parametrize("kind", Trouble)
def test_trouble_changes_nothing_long_before_it_begins(kind: Trouble) -> None:
    merchant = busy_merchant()
    plain, troubled = (simulate_history(1, merchant, WINDOW, one) for one in (None, Troubled(kind, BEGINS)))
    assert np.array_equal(early(plain), early(troubled))
    before, after = split(troubled, TransactionKind.SALE)
    assert before == split(plain, TransactionKind.SALE)[0]
    assert after < 0.6 * split(plain, TransactionKind.SALE)[1]


def test_whoever_exits_sells_nothing_any_more_sends_nothing_and_draws_everything_out() -> None:
    merchant = busy_merchant()
    rows = simulate_history(1, merchant, WINDOW, Troubled(Trouble.EXIT, BEGINS))
    assert of_kind(rows, TransactionKind.SALE)["day"].max() < BEGINS + 21
    plain = simulate_history(1, merchant, WINDOW)
    assert len(of_kind(rows, TransactionKind.CHARGEBACK)) > 3 + 2 * len(of_kind(plain, TransactionKind.CHARGEBACK))
    payouts = of_kind(rows, TransactionKind.PAYOUT)["day"]
    assert len(payouts[(payouts >= BEGINS) & (payouts < BEGINS + 21)]) > 10


def test_diversion_takes_repeat_buyers_most() -> None:
    rows = of_kind(
        simulate_history(1, busy_merchant(), WINDOW, Troubled(Trouble.DIVERSION, BEGINS)), TransactionKind.SALE
    )
    early, late = rows[rows["day"] < BEGINS], rows[rows["day"] >= BEGINS]
    often = {buyer for buyer, times in Counter(early["buyer"].tolist()).items() if times > 1 and buyer >= 0}
    share = np.mean([buyer in often for buyer in early["buyer"].tolist()])
    assert np.mean([buyer in often for buyer in late["buyer"].tolist()]) < share / 2


def test_nobody_else_changes_and_a_file_says_who_is_in_trouble() -> None:
    market = {"merchants": 60, "seed": 3, "window": WINDOW}
    plain, troubled = list(simulate_market(**market)), list(simulate_market(**market, troubled=20))  # type: ignore[arg-type]
    rows = list(csv.reader(one.trouble_line for one in troubled if one.trouble_line))
    assert 2 <= len(rows) <= 24
    assert {kind for _, kind, _ in rows} <= set(Trouble)
    for before, after in zip(plain, troubled, strict=True):
        assert (before.transaction_lines == after.transaction_lines) or after.trouble_line
        assert not before.trouble_line


def test_nobody_who_closed_gets_into_trouble() -> None:
    merchants = [draw_merchant(1, index, WINDOW) for index in range(300)]
    closed = [one for one in merchants if one.last_day != WINDOW.last_day]
    assert closed
    assert not any(draw_trouble(1, one, WINDOW, percent=100) for one in closed)
