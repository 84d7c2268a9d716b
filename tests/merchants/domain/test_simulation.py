"""A simulated market: the same bytes every time, rows that can be true, and quality that shows in them alone."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from django.core.management import call_command
from numpy.typing import NDArray

from config.kernel.calendar import date_of
from merchants.domain import merchant as merchant_columns
from merchants.domain import transaction as transaction_columns
from merchants.domain.merchant import MerchantEntry, judge_merchant
from merchants.domain.simulation.market import DAYS, END, MERCHANTS, SEED, simulate_history, window_ending
from merchants.domain.simulation.merchant import SimulatedMerchant, draw_merchant
from merchants.domain.simulation.rows import KINDS, Rows, of_kind
from merchants.domain.transaction import KnownMerchant, TransactionKind, TransactionRow, judge_row

Histories: TypeAlias = list[tuple[SimulatedMerchant, Rows]]
WINDOW = window_ending(END, DAYS)


@pytest.fixture(scope="module")
def histories() -> Histories:
    """The default market, before it is written down."""
    drawn = (draw_merchant(SEED, index, WINDOW) for index in range(MERCHANTS))
    return [(merchant, simulate_history(SEED, merchant, WINDOW)) for merchant in drawn]


def write(folder: Path, *, merchants: int, seed: int = 1) -> tuple[bytes, bytes]:
    call_command("simulate_marketplace", folder, merchants=merchants, seed=seed, verbosity=0)
    return (folder / "merchants.csv").read_bytes(), (folder / "transactions.csv").read_bytes()


def test_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    first = write(tmp_path / "first", merchants=20)

    assert write(tmp_path / "again", merchants=20) == first
    for mine, other in zip(first, write(tmp_path / "other", merchants=20, seed=2), strict=True):
        assert mine != other


def test_a_merchant_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    """Red if one random stream ran through the whole market."""
    few, many = write(tmp_path / "few", merchants=7), write(tmp_path / "many", merchants=25)

    assert all(longer.startswith(shorter) for shorter, longer in zip(few, many, strict=True))


def test_every_row_would_be_imported(tmp_path: Path) -> None:
    write(tmp_path, merchants=30)
    with (tmp_path / "merchants.csv").open(encoding="utf-8", newline="") as file:
        merchants = [judge_merchant(row) for row in csv.DictReader(file)]
    with (tmp_path / "transactions.csv").open(encoding="utf-8", newline="") as file:
        raw = list(csv.DictReader(file))

    entries = [merchant for merchant in merchants if isinstance(merchant, MerchantEntry)]
    known = {entry.external_id: KnownMerchant(id=0, currency=entry.currency) for entry in entries}
    last = datetime.combine(END, datetime.max.time(), tzinfo=UTC)
    rows = [judge_row(row, merchants=known, latest=last, zone=UTC, needs_offset=True) for row in raw]

    assert len(entries) == len(merchants)
    assert [row for row in rows if not isinstance(row, TransactionRow)] == []
    # In the market's own time and in UTC it is the same day, so that business days are the shops' days.
    days = [date_of(row.day).isoformat() for row in rows if isinstance(row, TransactionRow)]
    assert [row["occurred_at"][:10] for row in raw] == days


def test_columns_are_those_of_the_format_and_none_tells_the_quality(tmp_path: Path, histories: Histories) -> None:
    headers = [content.split(b"\n")[0].decode().split(",") for content in write(tmp_path, merchants=1)]

    assert set(headers[0]) == set(merchant_columns.COLUMNS)
    assert set(headers[1]) <= set(transaction_columns.COLUMNS)
    groups = defaultdict[str, list[float]](list)
    for merchant, _ in histories:
        for told in (merchant.category.name, merchant.region.name, merchant.city, merchant.membership.name):
            groups[told].append(merchant.traits.quality)
    mean = float(np.mean([merchant.traits.quality for merchant, _ in histories]))
    for told, qualities in groups.items():
        assert abs(np.mean(qualities) - mean) < 4 * 0.26 / len(qualities) ** 0.5, told


def test_default_market_is_large_and_uneven_and_has_every_kind(histories: Histories) -> None:
    sizes = np.array([len(rows) for _, rows in histories])
    kinds = {KINDS[code] for _, rows in histories for code in np.unique(rows["kind"])}

    assert 200_000 <= sizes.sum() <= 320_000
    assert kinds == set(TransactionKind) - {TransactionKind.CHARGEBACK_WON, TransactionKind.FEE_RETURNED}
    assert np.percentile(sizes, 99) > 8 * np.median(sizes)


def test_some_cells_can_be_compared_and_some_owners_have_several_shops(histories: Histories) -> None:
    selling = [
        merchant for merchant, rows in histories if (of_kind(rows, TransactionKind.SALE)["day"] >= DAYS - 90).any()
    ]
    cells = Counter((merchant.category.name, merchant.region.name) for merchant in selling)
    shops = Counter(Counter(merchant.owner_ref for merchant, _ in histories).values())

    assert sum(size >= 30 for size in cells.values()) >= 2
    assert min(shops[2], shops[3]) >= 3
    assert shops[1] > 400


def test_some_shops_are_too_small_too_young_or_closed(histories: Histories) -> None:
    found = Counter[str]()
    for _, rows in histories:
        day = of_kind(rows, TransactionKind.SALE)["day"]
        if len(day) < 10:
            found["few orders"] += 1
        elif day.max() < DAYS - 90:
            found["closed"] += 1
        elif day.min() >= DAYS - 90:
            found["young"] += 1

    assert all(found[reason] >= 5 for reason in ("few orders", "closed", "young"))


def test_rows_can_be_true(histories: Histories) -> None:
    for merchant, rows in histories:
        assert ((rows["day"] >= merchant.first_day) & (rows["day"] <= WINDOW.last_day)).all()
        assert len(np.unique(rows[["kind", "number"]])) == len(rows)
        wordless = np.isin(rows["kind"], [KINDS.index(TransactionKind.REVIEW), KINDS.index(TransactionKind.DISPATCH)])
        assert (rows["amount"][wordless] == 0).all()
        assert (rows["amount"][~wordless] > 0).all()
        assert np.isin(of_kind(rows, TransactionKind.REVIEW)["value"], range(1, 6)).all()
        assert (of_kind(rows, TransactionKind.DISPATCH)["value"] >= 0).all()
        assert (np.diff(rows["day"] * 86_400 + rows["second"]) >= 0).all()


AFTER_THE_SALE = (
    TransactionKind.CANCEL,
    TransactionKind.DISPATCH,
    TransactionKind.SETTLEMENT,
    TransactionKind.REFUND,
    TransactionKind.CHARGEBACK,
    TransactionKind.REVIEW,
)


def test_what_follows_an_order_follows_it(histories: Histories) -> None:
    for _, rows in histories:
        sales = of_kind(rows, TransactionKind.SALE)
        sold, price = np.zeros(len(sales), np.int64), np.zeros(len(sales), np.int64)
        sold[sales["number"]], price[sales["number"]] = sales["day"], sales["amount"]
        for kind in AFTER_THE_SALE:
            later = of_kind(rows, kind)
            assert (later["day"] > sold[later["number"]]).all(), kind
            assert (later["amount"] <= price[later["number"]]).all(), kind
        settled = of_kind(rows, TransactionKind.SETTLEMENT)["number"]
        assert np.isin(of_kind(rows, TransactionKind.CHARGEBACK)["number"], settled).all()
        assert not np.isin(of_kind(rows, TransactionKind.CANCEL)["number"], settled).any()


def amount(rows: Rows, *kinds: TransactionKind) -> int:
    return sum(int(of_kind(rows, kind)["amount"].sum()) for kind in kinds)


def lowest_cover(rows: Rows) -> float:
    """Give the lowest balance of the last 90 days, in days of what was paid out a day."""
    flow = np.zeros(DAYS)
    released = of_kind(rows, TransactionKind.SETTLEMENT)["number"]
    for code, kind in enumerate(KINDS):
        picked = rows[rows["kind"] == code]
        if kind == TransactionKind.REFUND:
            picked = picked[np.isin(picked["number"], released)]
        if kind in {TransactionKind.SETTLEMENT, TransactionKind.DEPOSIT}:
            np.add.at(flow, picked["day"], picked["amount"])
        elif kind not in {TransactionKind.SALE, TransactionKind.CANCEL}:
            np.subtract.at(flow, picked["day"], picked["amount"])
    payouts = of_kind(rows, TransactionKind.PAYOUT)
    paid = payouts["amount"][payouts["day"] >= DAYS - 90].sum()
    return float(np.cumsum(flow)[-90:].min() / (paid / 90)) if paid else float("nan")


def rank_correlation(first: Iterable[float], second: Iterable[float]) -> float:
    """Compute Spearman's coefficient, 1 - 6 sum d^2 / (n (n^2 - 1)), pairs without a number left out."""
    both: NDArray[np.float64] = np.array([list(first), list(second)])
    ranks = both[:, ~np.isnan(both).any(axis=0)].argsort(axis=1).argsort(axis=1)
    size: int = ranks.shape[1]
    apart = int(((ranks[0] - ranks[1]) ** 2).sum())
    return 1 - 6 * apart / (size * (size * size - 1))


def test_quality_shows_in_the_rows(histories: Histories) -> None:
    busy = [(m, rows) for m, rows in histories if len(of_kind(rows, TransactionKind.SALE)) >= 100]
    quality = [merchant.traits.quality for merchant, _ in busy]
    sales = [amount(rows, TransactionKind.SALE) for _, rows in busy]
    lost = [amount(rows, TransactionKind.REFUND, TransactionKind.CHARGEBACK) for _, rows in busy]
    late = [
        float((of_kind(rows, TransactionKind.DISPATCH)["value"] > 0).mean()) if m.category.ships else float("nan")
        for m, rows in busy
    ]
    rating = [float(of_kind(rows, TransactionKind.REVIEW)["value"].mean()) for _, rows in busy]

    assert rank_correlation(quality, map(lowest_cover, (rows for _, rows in busy))) > 0.6
    assert rank_correlation(quality, (part / whole for part, whole in zip(lost, sales, strict=True))) < -0.6
    assert rank_correlation(quality, late) < -0.6
    assert rank_correlation(late, rating) < -0.4


def test_cushions_reach_from_none_to_many_days(histories: Histories) -> None:
    covers = np.array([lowest_cover(rows) for _, rows in histories])
    covers = covers[~np.isnan(covers)]

    shares = np.histogram(covers, [-np.inf, 9, 16, 25, 40, np.inf])[0] / len(covers)
    assert (shares > 0.05).all()
    assert covers.min() < 0
