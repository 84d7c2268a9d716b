"""Integrity against the slow oracle, and what must not change what it finds."""

from random import Random
from typing import Any

import ibis
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scoring.domain.features.arrivals import MARKET_SCHEMA, market
from scoring.domain.features.integrity import FIGURE_NAMES, FLAGGED_NAMES, MARKS, Mark, integrity, rings
from scoring.domain.integrity import Finding
from scoring.queries.integrity import findings_of
from tests.scoring.domain.integrity_oracle import MarketOracle, MarketRow
from tests.scoring.domain.markets import connect

COMPILED = {name: str(ibis.to_sql(look(market()), dialect="duckdb")) for name, look in
            {"integrity": integrity, "rings": rings}.items()}  # fmt: skip
EDGES = [0, 1, 2, 29, 30, 89, 90, 119, 120, 134, 179, 180, 181, 269, 270, 359, 360, 364, 365, 420]


def look(rows: list[MarketRow], name: str = "integrity") -> list[tuple[Any, ...]]:
    with connect(rows, MARKET_SCHEMA, "market") as engine:
        rows_found: list[tuple[Any, ...]] = engine.execute(COMPILED[name]).fetchall()
        return rows_found


def found(rows: list[MarketRow]) -> dict[int, Finding]:
    return {finding.merchant_id: finding for finding in findings_of(look(rows))}


def shop_rows(random: Random, shop: int, partner: int) -> list[MarketRow]:  # noqa: C901 - a scheme a line
    """A shop that trades, and may do some of what cheaters do: few rows, so that the oracle is quick."""
    oldest, size = random.choice([60, 200, 300, 420, 500]), random.choice([1, 10, 40, 80])
    amounts = random.choice([[1234, 999, 50], [5_000, 12_300, 1_000], [10**13 + 7, 3]])
    rows: list[MarketRow] = []

    def add(
        d: int, kind: str = "SALE", buyer: int | None = None, ref: str | None = None, late: int | None = None
    ) -> None:
        known = d - random.choice([0, 0, 1, 14]) if late is None else late
        amount = random.choice(amounts)
        rows.append((shop, partner, d, known, kind, ref, f"{shop}-{len(rows)}", amount, buyer))

    for _ in range(size):
        d = (
            random.choice([edge for edge in EDGES if edge <= oldest])
            if random.random() < 0.4
            else random.randint(0, oldest)
        )
        buyer = random.choice([None, random.randint(1, 30), shop * 1_000 + random.randint(1, 200)])
        add(d, buyer=buyer, ref=random.choice([None, f"o{random.randint(0, 60)}"]))
    schemes = random.sample(["captive", "ring", "back", "echo", "burst", "round", "late", "none"], 2)
    for number in range(random.choice([6, 14])):
        d, pool = random.randint(0, 100), random.choice([2, 3])
        if "captive" in schemes:
            add(d, buyer=shop * 1_000 + 500 + number % pool)
        if "ring" in schemes:
            add(d, buyer=900_000 + shop // 3 * 10 + number % pool)
        if "back" in schemes:
            add(d + 90, buyer=shop * 1_000 + 600 + number % pool, ref=f"back{number}")
            add(d + random.choice([44, 45, 46, 0]), "REFUND", ref=f"back{number}")
        if "echo" in schemes:
            add(170 - 10 * number, "PAYOUT", buyer=random.choice([None, None, 7]))
            add(max(170 - 10 * number - random.choice([0, 1, 2]), 0), buyer=shop * 1_000 + 700 + number % pool)
        if "burst" in schemes:
            add(5 + number % 2, buyer=random.choice([None, shop * 1_000 + 800 + number]))
        if "round" in schemes:
            rows.append((shop, partner, number, number, "SALE", None, f"{shop}-r{number}", 50_000, None))
            rows += [
                (shop, partner, 90 + number, 90, "SALE", None, f"{shop}-b{number}-{n}", 1_234, None) for n in range(5)
            ]
            rows.append((shop, partner, number, number, "SALE", None, f"{shop}-q{number}", 50_000, None))
        if "late" in schemes:
            add(100 + 20 * number, late=shop % 7)
    return rows


def market_rows(seed: int) -> list[MarketRow]:
    random = Random(seed)  # noqa: S311
    shops = random.choice([3, 12, 21])
    rows = [row for shop in range(shops) for row in shop_rows(random, shop, partner=1)]
    if random.random() < 0.3:  # a feed that is late for everybody
        rows = [(*row[:3], min(row[3], 3), *row[4:]) for row in rows]
    return rows + [row for shop in range(100, 104) for row in shop_rows(random, shop, partner=2)]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_every_measure_and_flag_is_the_oracles(seed: int) -> None:
    rows = market_rows(seed)
    oracle, findings = MarketOracle(rows), found(rows)
    assert findings.keys() == oracle.of_shop.keys()
    for shop, finding in findings.items():
        expected = oracle.verdict(shop)
        assert (shop, dict(finding.measures)) == (shop, expected.measures)
        assert (shop, set(map(str, finding.fired))) == (shop, expected.fired)
        assert {sale.external_id: set(map(str, sale.marks)) for sale in finding.flagged} == expected.flagged
        assert finding.first_known_d == expected.first_known_d


def test_the_markets_of_the_oracle_make_every_mark_fire() -> None:
    fired = {mark for seed in range(12) for finding in found(market_rows(seed)).values() for mark in finding.fired}
    assert fired == set(MARKS)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_does_not_count_nor_who_comes_from_another_market(seed: int) -> None:
    rows = market_rows(seed)
    mixed = Random(seed).sample(rows, len(rows))  # noqa: S311
    assert found(mixed) == found(rows)
    alone = [row for row in rows if row[1] == 1]
    assert found(alone) == {shop: finding for shop, finding in found(rows).items() if shop < 100}


@given(seed=st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_a_whole_feed_that_is_late_is_no_sign(seed: int) -> None:
    """Red if lateness were measured from the clock instead of beside the market."""
    random = Random(seed)  # noqa: S311
    rows = [row for shop in range(12) for row in shop_rows(random, shop, partner=1)]
    at_once = [(*row[:3], -200, *row[4:]) for row in rows]
    assert all(finding.measures["late_history_180"] == 0 for finding in found(at_once).values())
    as_it_came = [(*row[:3], row[2], *row[4:]) for row in rows]
    assert found(at_once) == found(as_it_came)


def test_rings_name_the_shops_and_the_buyers_they_share() -> None:
    rows: list[MarketRow] = [
        (shop, 1, 3 * number + buyer, 0, "SALE", None, f"{shop}-{buyer}-{number}", 500, buyer)
        for shop in (1, 2)
        for buyer in (71, 72)
        for number in range(2)
    ]
    rows += [(3, 1, 5, 5, "SALE", None, f"3-{number}", 500, 71) for number in range(2)]  # one of them alone
    assert sorted(look(rows, "rings")) == [(1, 2, 71), (1, 2, 72), (2, 1, 71), (2, 1, 72)]


def test_a_shop_that_stood_still_for_a_year_and_sells_at_once_is_a_burst() -> None:
    """Red if days without a sale before were taken for no past to compare with: an idle account is cheap to buy."""
    rows: list[MarketRow] = [(1, 1, 500, 500, "SALE", None, "first", 500, None)]
    rows += [(1, 1, 8, 8, "SALE", None, f"{number}", 500, None) for number in range(30)]
    assert found(rows)[1].fired == (Mark.BURST,)


def test_buyers_of_one_season_are_not_captive_where_nothing_was_sold_before_it() -> None:
    """Red if a season were compared with the months in which the shop was closed."""
    rows: list[MarketRow] = [
        (1, 1, d, d, "SALE", None, f"{start}-{buyer}-{visit}", 500, start + buyer)
        for start in (400, 30)
        for buyer in range(8)
        for visit in range(3)
        for d in [start + 20 * visit + buyer]
    ]
    assert found(rows)[1].fired == ()


def test_sums_that_leave_64_bits_are_clamped() -> None:
    rows: list[MarketRow] = [(1, 1, d, d, "SALE", None, f"{d}", 2**62, d % 2) for d in range(50)]
    assert found(rows)[1].measures["flagged_share_90"] == 0


@pytest.mark.parametrize("dialect", ["postgres", "duckdb", "pyspark"])
def test_the_query_divides_nothing_casts_every_sum_and_reads_one_table(dialect: str) -> None:
    for look_at in (integrity, rings):
        text = str(ibis.to_sql(look_at(market()), dialect=dialect))
        tree = sqlglot.parse_one(text, dialect={"pyspark": "spark"}.get(dialect, dialect))
        assert not list(tree.find_all(exp.Div, exp.IntDiv))
        assert {cast.to.this for cast in tree.find_all(exp.Cast)} <= {
            exp.DataType.Type.BIGINT,
            exp.DataType.Type.BOOLEAN,
        }
        for total in tree.find_all(exp.Sum):
            parent = total.parent
            while isinstance(parent, exp.Filter | exp.Coalesce | exp.Least | exp.Greatest):
                parent = parent.parent
            assert isinstance(parent, exp.Cast)
        names = {table.name for table in tree.find_all(exp.Table)} - {cte.alias for cte in tree.find_all(exp.CTE)}
        assert names == {"market"}
    assert MARKET_SCHEMA.names == market().columns
    assert integrity(market()).columns == ("merchant_id", *FIGURE_NAMES, *FLAGGED_NAMES)
