from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from config.kernel.calendar import day_number
from lending.domain.watch.cash_flow import Market
from lending.queries.cash_flow import measure_cells, measure_flows
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, Partner
from merchants.models.transaction import PARTITIONS
from merchants.queries.batches import known_now
from scoring.queries.measures import Known
from tests.lending.watch_model import Rows, cash_flow
from tests.markets import make_merchants, make_partner, receive

pytestmark = pytest.mark.django_db(transaction=True)
AS_OF = date(2026, 3, 1)
KINDS = ["SALE"] * 8 + ["SETTLEMENT", "REFUND", "CHARGEBACK", "DISPATCH", "DISPATCH", "PAYOUT", "REVIEW", "DEPOSIT"]
EVERYWHERE = range(PARTITIONS)


def draw_rows(random: Random, number: int, *, until: date = AS_OF) -> Rows:
    """Draw rows of one merchant, more of them on the days where windows begin and end, with a pause in between."""
    edges = [0, 13, 14, 27, 28, 55, 56, 111, 112, 179, 180, 207, 208, 223, 224, 363, 364, 391, 392, 475, 476, 600]
    rows = []
    for _ in range(number):
        back = random.choice(edges) if random.random() < 0.3 else random.randrange(0, 500)
        kind = random.choice(KINDS)
        rows.append(
            {
                "kind": kind,
                "on": until - timedelta(days=1 + back),
                "minor": 0 if kind in {"DISPATCH", "REVIEW"} else random.randint(1, 9_999),
                "buyer": f"b{random.randrange(40)}" if kind == "SALE" and random.random() < 0.9 else None,
                "value": random.choice([0, 0, 3]) if kind == "DISPATCH" else 4 if kind == "REVIEW" else None,
            }
        )
    return rows


def send(partner: Partner, merchant: str, rows: Rows, *, tag: str = "") -> None:
    receive(
        partner,
        [
            {
                "external_id": f"{merchant}-{tag}{number}",
                "merchant": merchant,
                "kind": row["kind"],
                "occurred_at": f"{row['on'].isoformat()}T12:00:00+00:00",
                "amount": f"{row['minor'] / 100:.2f}" if row["minor"] else "",
                "buyer": row["buyer"] or "",
                "value": "" if row["value"] is None else str(row["value"]),
            }
            for number, row in enumerate(rows)
        ],
    )


def measured(drawn_on: Mapping[int, date | None], known: Known) -> dict[int, dict[str, Any]]:
    flows = measure_flows(drawn_on, known=known, partitions=EVERYWHERE)
    return {merchant: asdict(flow) for merchant, flow in flows.items()}


def known_on(as_of: date = AS_OF) -> Known:
    return Known(as_of_day=day_number(as_of), watermark=known_now())


@pytest.mark.parametrize("settlement", Settlement)
def test_figures_are_those_of_a_slow_model(settlement: Settlement) -> None:
    random, partner = Random(f"{settlement}"), make_partner(settlement=settlement)  # noqa: S311
    draws = [None, *(AS_OF - timedelta(days=days) for days in (14, 15, 16, 28, 29, 30, 60, 120, 121, 122))]
    names = [f"shop-{number}" for number in range(len(draws))]
    make_merchants(partner, *names)
    histories = {name: draw_rows(random, random.choice([0, 3, 60, 200])) for name in names}
    for name, rows in histories.items():
        if rows:
            send(partner, name, rows)
    ids = dict(Merchant.objects.values_list("external_id", "pk"))
    drawn_on = {ids[name]: drawn for name, drawn in zip(names, draws, strict=True)}
    found = measured(drawn_on, known_on())
    for name in names:
        escrow = settlement is Settlement.ESCROW
        slow = cash_flow(histories[name], AS_OF, escrow=escrow, drawn_on=drawn_on[ids[name]])
        assert found[ids[name]] == slow, name


def test_what_comes_later_changes_nothing() -> None:
    """Rows of the day and after it, and rows that were not known at the watermark, are not seen."""
    random, partner = Random(5), make_partner()  # noqa: S311
    make_merchants(partner, "shop", "other")
    send(partner, "shop", draw_rows(random, 150))
    send(partner, "other", draw_rows(random, 150))
    merchants = dict.fromkeys(Merchant.objects.values_list("pk", flat=True), AS_OF - timedelta(days=40))
    known = known_on()
    before, cells = measured(merchants, known), measure_cells(known, partitions=EVERYWHERE)
    later = [{**row, "on": row["on"] + timedelta(days=601)} for row in draw_rows(random, 100)]
    send(partner, "shop", [row for row in later if row["on"] < date(2026, 3, 3)], tag="later")
    assert measured(merchants, Known(as_of_day=known.as_of_day, watermark=known_now())) == before
    send(partner, "shop", draw_rows(random, 100), tag="unknown")
    assert measured(merchants, known) == before
    assert measure_cells(known, partitions=EVERYWHERE) == cells
    assert measured(merchants, known_on()) != before


def test_peers_are_those_of_the_cell_without_the_merchant_and_of_wider_groups_if_they_are_few() -> None:
    random, partner, red = Random(9), make_partner(), make_partner("silent")  # noqa: S311
    make_merchants(partner, "a", "b", "c", category="tea", region="north")
    make_merchants(partner, "d", category="tea", region="south")
    make_merchants(partner, "e", category="toys", region="south")
    make_merchants(red, "f", category="tea", region="north")
    histories = {name: draw_rows(random, 120) for name in "abcde"}
    for name, rows in histories.items():
        send(partner, name, rows)
    send(red, "f", draw_rows(random, 120))
    Partner.objects.filter(code="silent").update(feed_signal="SILENT")
    market = Market.of(measure_cells(known_on(), partitions=EVERYWHERE))
    slow = {name: cash_flow(rows, AS_OF, escrow=True, drawn_on=None) for name, rows in histories.items()}
    [one] = measure_flows(
        {Merchant.objects.get(external_id="a").pk: None}, known=known_on(), partitions=EVERYWHERE
    ).values()
    for least, others in ((2, "bc"), (3, "bcd"), (4, "bcde")):
        peers = market.peers_of(("EUR", "tea", "north"), one, least=least)
        assert peers.merchants == len(others)
        assert peers.sales_recent == sum(slow[name]["sales_recent"] or 0 for name in others)
        assert peers.sales_usual == sum(slow[name]["sales_usual"] or 0 for name in others)
    assert market.peers_of(("EUR", "tea", "north"), one, least=5).merchants == 0


def test_parts_together_are_the_whole() -> None:
    random, partner = Random(11), make_partner()  # noqa: S311
    make_merchants(partner, *[f"shop-{number}" for number in range(12)])
    for number in range(12):
        send(partner, f"shop-{number}", draw_rows(random, 20))
    merchants = dict.fromkeys(Merchant.objects.values_list("pk", flat=True))
    whole = measured(merchants, known_on())
    assert {pk for pk, flow in whole.items() if flow["sales_past"] or flow["quiet"] is not None}
    cells = Market.of(measure_cells(known_on(), partitions=EVERYWHERE)).groups
    parts = [cell for part in range(4) for cell in measure_cells(known_on(), partitions=range(part, PARTITIONS, 4))]
    assert Market.of(parts).groups == cells
