"""Merchants that make up sales: who, which rows, at what cost, and that nobody else changes."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from merchants.domain.simulation.market import END, simulate_market, window_ending
from merchants.domain.simulation.schemes import Scheme, Schemes

Lines = dict[str, list[dict[str, str]]]


def write(folder: Path, **options: object) -> tuple[Lines, list[dict[str, str]]]:
    """Give the transactions by merchant, and who cheats."""
    call_command("simulate_marketplace", folder, **{"merchants": 120, "seed": 4, "verbosity": 0, **options})
    found: Lines = {}
    with (folder / "transactions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["merchant"], []).append(row)
    with (folder / "schemes.csv").open(encoding="utf-8", newline="") as file:
        return found, list(csv.DictReader(file))


def test_only_cheaters_change_and_only_by_what_the_truth_says(tmp_path: Path) -> None:
    """Red if a scheme drew from the streams of a merchant's own trade."""
    honest, nobody = write(tmp_path / "honest")
    rows, truth = write(tmp_path / "cheats", cheaters=60)
    withheld, same = write(tmp_path / "withheld", cheaters=60, withheld=True)
    cheaters = {line["merchant"]: line for line in truth}

    assert nobody == []
    assert truth == same
    assert {line["scheme"] for line in truth} == set(Scheme)
    assert {line["strength"] for line in truth} == {"20", "50", "100"}
    for shop in honest.keys() - cheaters.keys():
        told = [{name: cell for name, cell in row.items() if name != "recorded_at"} for row in rows[shop]]
        assert told == honest[shop]
        assert rows[shop] == withheld[shop]
    for shop, line in cheaters.items():
        before = {row["external_id"] for row in withheld.get(shop, []) if row["kind"] == "SALE"}
        made = [row for row in rows[shop] if row["kind"] == "SALE" and row["external_id"] not in before]
        assert len(made) == int(line["orders"])
        minor = sum(round(float(row["amount"]) * 100) for row in made)
        assert minor == int(line["amount_minor"])
        assert int(line["cost_minor"]) == minor * 800 // 10_000


def test_each_scheme_leaves_its_trace(tmp_path: Path) -> None:
    rows, truth = write(tmp_path, cheaters=60)
    of = {scheme: [line["merchant"] for line in truth if line["scheme"] == scheme] for scheme in Scheme}
    for shop in of[Scheme.CAPTIVE]:
        accounts = {row["buyer"] for row in rows[shop] if row["buyer"].startswith("XX")}
        assert accounts
        assert not any(row["buyer"] in accounts for other in rows.keys() - {shop} for row in rows[other])
    shared = Counter(
        buyer for shop in of[Scheme.RING] for buyer in {row["buyer"] for row in rows[shop] if row["buyer"][:2] == "XX"}
    )
    assert max(shared.values()) > 1
    for shop in of[Scheme.INVENTED]:
        days = [(row["occurred_at"][:10], row["recorded_at"][:10]) for row in rows[shop]]
        assert all(known >= day for day, known in days)
        assert max(Counter(known for _, known in days).values()) >= 8
    for shop in of[Scheme.RETURNED]:
        accounts = {row["order_ref"] for row in rows[shop] if row["buyer"].startswith("XX")}
        assert any(row["kind"] == "REFUND" and row["order_ref"] in accounts for row in rows[shop])


def test_no_merchant_depends_on_how_many_there_are() -> None:
    window, schemes = window_ending(END, 400), Schemes(percent=60)
    few = list(simulate_market(merchants=20, seed=4, window=window, schemes=schemes))
    many = list(simulate_market(merchants=40, seed=4, window=window, schemes=schemes))
    assert many[:20] == few


def test_a_scheme_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command("simulate_marketplace", str(tmp_path), "--cheaters", "10", "--schemes", "MAGIC")
