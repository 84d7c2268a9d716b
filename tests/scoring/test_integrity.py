"""What is found does not depend on the engine, on rows of the future, or on the order in which they came."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from random import Random

import ibis
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel.calendar import day_number
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, Transaction
from merchants.queries.batches import Watermark, current_watermark
from scoring.domain.features.arrivals import MARKET_SCHEMA, THRESHOLDS, market
from scoring.domain.features.integrity import integrity, rings
from scoring.domain.integrity import Finding
from scoring.queries.integrity import MARKET, find, looking, parameters_of
from scoring.queries.measures import Known, measuring_cursor
from tests.markets import make_merchants, make_partner, receive
from tests.scoring.domain.markets import connect

pytestmark = pytest.mark.django_db(transaction=True)
AS_OF = date(2025, 1, 20)


@pytest.fixture
def cheats(tmp_path: Path) -> Path:
    call_command(
        "simulate_marketplace", tmp_path, merchants=90, days=540, seed=3, cheaters=60, verbosity=0, stdout=StringIO()
    )
    call_command("import_marketplace", tmp_path, settlement="ESCROW", stdout=StringIO())
    return tmp_path


def test_duckdb_finds_what_postgres_does(cheats: Path) -> None:
    assert (cheats / "schemes.csv").read_text().count("\n") > 20
    end = Transaction.objects.latest("day").day + 1
    for known in (
        Known(as_of_day=end, watermark=current_watermark()),
        Known(as_of_day=end - 40, watermark=current_watermark()),
        Known(as_of_day=end, watermark=Watermark(current_watermark().high, (1,))),
    ):
        with measuring_cursor(is_limited=False) as cursor:
            cursor.execute(MARKET, parameters_of(known))
            rows = cursor.fetchall()
        with connect(rows, MARKET_SCHEMA, "market") as engine:
            for of_rings, look in ((False, integrity), (True, rings)):
                with measuring_cursor(is_limited=False) as cursor:
                    cursor.execute(looking(of_rings=of_rings), parameters_of(known))
                    expected = cursor.fetchall()
                found = engine.execute(str(ibis.to_sql(look(market()), dialect="duckdb"))).fetchall()
                assert sorted(map(repr, found)) == sorted(map(repr, expected))
        assert {type(cell) for row in expected for cell in row} <= {int}


def test_one_line_a_merchant_is_written(cheats: Path) -> None:
    call_command("integrity", as_of=date(2026, 7, 1), to=cheats / "found.jsonl", stderr=StringIO())
    lines = (cheats / "found.jsonl").read_text().splitlines()
    assert len(lines) == Merchant.objects.count()
    assert '"to_review": true' in "".join(lines)
    assert "-SALE" in "".join(lines)


def test_rings_are_written_with_the_buyers_they_share(cheats: Path) -> None:
    """Red if a shop of a ring were named without the other, or one of whom RING did not fire were named first."""
    told = {"as_of": date(2026, 7, 1), "to": cheats / "found.jsonl", "rings": cheats / "rings.jsonl"}
    call_command("integrity", **told, stderr=StringIO())
    rings_of = [json.loads(line) for line in (cheats / "rings.jsonl").read_text().splitlines()]
    shops = [json.loads(line) for line in (cheats / "found.jsonl").read_text().splitlines()]
    in_ring = {shop["merchant"] for shop in shops if shop["measures"]["overlap_90"] >= THRESHOLDS.ring_bp}
    assert {one["merchant"] for one in rings_of} == in_ring != set()
    pairs = {(one["merchant"], one["other"]) for one in rings_of}
    assert all((other, merchant) in pairs for merchant, other in pairs if other in in_ring)


def test_who_cheats_is_told_from_who_does_not(cheats: Path) -> None:
    said = StringIO()
    call_command("integrity", as_of=date(2026, 7, 1), truth=cheats / "schemes.csv", stderr=said)
    shares = dict(line.split(": ") for line in said.getvalue().splitlines() if line.startswith(("recall", "precision")))
    assert float(shares["recall"]) >= 0.8
    assert float(shares["precision"]) >= 0.9
    for spoilt in ("merchant,scheme,strength\nnobody,RING,20\n", "merchant,scheme,strength\nS00001,RING,much\n"):
        (cheats / "spoilt.csv").write_text(spoilt)
        with pytest.raises(CommandError, match="row 1"):
            call_command("integrity", as_of=date(2026, 7, 1), truth=cheats / "spoilt.csv", stderr=StringIO())


def days_of(random: Random) -> Iterator[tuple[int, str]]:
    for number in range(40):
        yield random.randint(0, 300), random.choice(["a", "b", f"c{number}", ""])


def feed(random: Random, *, shops: int = 12, ahead: int = 0) -> list[dict[str, str]]:
    """Make rows of shops, `ahead` days and more after as_of if that is above 0; one of them tells its past late."""
    rows = []
    for shop in range(shops):
        for number, (d, buyer) in enumerate(days_of(random)):
            day = AS_OF + timedelta(days=ahead + d) if ahead else AS_OF - timedelta(days=d + 1)
            noon = datetime.combine(day, time(12), UTC)
            recorded = noon if shop or ahead else max(noon, datetime.combine(AS_OF - timedelta(days=9), time(12), UTC))
            rows.append(
                {
                    "external_id": f"{shop}-{ahead}-{number}",
                    "merchant": f"shop-{shop}",
                    "kind": "SALE",
                    "occurred_at": noon.isoformat(),
                    "recorded_at": recorded.isoformat(),
                    "amount": f"{random.randint(1, 90)}.00",
                    "buyer": buyer and f"{buyer}-{shop // 2}",
                }
            )
    return rows


def found_of(code: str) -> list[tuple[str, Finding]]:
    names = dict(Merchant.objects.filter(partner__code=code).values_list("pk", "external_id"))
    known = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    found = {names[one.merchant_id]: one for one in find(known=known) if one.merchant_id in names}
    return [(name, replace(found[name], merchant_id=0)) for name in sorted(found)]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_neither_the_future_nor_the_order_nor_the_batches_change_what_is_found(seed: int) -> None:
    random, shops = Random(seed), [f"shop-{shop}" for shop in range(12)]  # noqa: S311
    rows, future = feed(random), feed(random, ahead=1)
    mixed = random.sample(rows + future, len(rows) + len(future))
    plain, other = f"a{seed}", f"b{seed}"
    for code, parts in ((plain, [rows]), (other, [mixed[::2], mixed[1::2]])):
        partner = make_partner(code, Settlement.IMMEDIATE)
        make_merchants(partner, *shops)
        for part in parts:
            assert receive(partner, part).rejected == 0

    assert found_of(plain) == found_of(other)
    assert dict(found_of(plain))["shop-0"].measures["late_history_180"] > 5_000


def test_what_came_after_the_watermark_is_not_seen() -> None:
    partner = make_partner(settlement=Settlement.IMMEDIATE)
    make_merchants(partner, *(f"shop-{shop}" for shop in range(12)))
    receive(partner, feed(Random(1)))  # noqa: S311
    known = Known(as_of_day=day_number(AS_OF), watermark=current_watermark())
    before = find(known=known)
    receive(partner, [row | {"external_id": f"late-{row['external_id']}"} for row in feed(Random(2))])  # noqa: S311
    assert find(known=known) == before
    assert find(known=Known(as_of_day=day_number(AS_OF), watermark=current_watermark())) != before


def test_without_a_recorded_day_a_row_is_known_when_its_batch_came() -> None:
    """Red if rows without recorded_at were taken as known at once: whoever sends a past by file would be believed."""
    partner = make_partner(settlement=Settlement.IMMEDIATE)
    make_merchants(partner, *(f"shop-{shop}" for shop in range(12)))
    rows = feed(Random(1))  # noqa: S311
    own = [
        {key: cell for key, cell in row.items() if key != "recorded_at"} for row in rows if row["merchant"] == "shop-0"
    ]
    receive(partner, [row for row in rows if row["merchant"] != "shop-0"])
    receive(partner, own)
    found = {
        one.merchant_id: one for one in find(known=Known(as_of_day=day_number(AS_OF), watermark=current_watermark()))
    }
    late = Merchant.objects.get(external_id="shop-0").pk
    assert found[late].measures["late_history_180"] == 10_000
    assert found[late].first_known_d == 0  # known after as_of: nothing of it counts as age
    assert sum(one.measures["late_history_180"] for one in found.values()) == 10_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM merchants_transaction WHERE recorded_day IS NULL")
        assert cursor.fetchone() == (len(own),)
