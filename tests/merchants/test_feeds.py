"""Feeds as the office sees them: sums kept with the batches, and which feed is red."""

from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.db.transactions import operation
from config.declarations import Role
from config.kernel.calendar import day_number
from config.kernel.money import MAX_MINOR, format_minor
from config.office.business_date import open_day
from config.office.models import OperationEvent
from merchants.admin.partner import FEED_CHIPS
from merchants.domain.feed import FeedSignal
from merchants.models import Batch, FeedDay, Partner
from merchants.models.batch import BEHAVIOUR
from merchants.operations.feed_days import CountedRows, add_to_feed
from merchants.operations.feeds import judge_feeds
from merchants.queries.feeds import sales_by_day
from merchants.queries.labels import FEED_SIGNALS
from tests.conftest import CLERK, NOW, make_user
from tests.markets import make_merchants, make_partner, receive, sale

pytestmark = pytest.mark.django_db(transaction=True)
KEPT = "SELECT partner_id, day, kind, currency, rows, amount_minor FROM merchants_feedday WHERE rows > 0"
STORED = """
SELECT m.partner_id, t.day, t.kind, m.currency, count(*), sum(t.amount_minor)
FROM merchants_transaction t JOIN merchants_merchant m ON m.id = t.merchant_id
WHERE t.superseded_in IS NULL GROUP BY m.partner_id, t.day, t.kind, m.currency
"""


def rows_of(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return sorted(cursor.fetchall())


def test_what_is_kept_by_day_is_what_is_stored_whichever_way_it_came(tmp_path: Path) -> None:
    """Red if a path did not count, a duplicate counted again, or a corrected row stayed."""
    call_command("simulate_marketplace", tmp_path, merchants=12, days=120, seed=3, stdout=StringIO())
    for _ in range(2):  # straight at first, staged the second time
        call_command("import_marketplace", tmp_path, partner="bazaar", settlement="ESCROW", stdout=StringIO())
    partner = Partner.objects.get()
    make_merchants(partner, "kiln")
    make_merchants(partner, "sakura", currency="JPY")
    random = Random(1)  # noqa: S311
    some = [sale(str(number), random.choice(["kiln", "sakura"]), amount="10") for number in range(60)]
    receive(partner, some)
    receive(partner, [*some, sale("1-a", some[1]["merchant"], amount="3", corrects="1"), sale("x", amount="no")])
    receive(make_partner("other"), [])
    kept = rows_of(KEPT)
    assert len(kept) > 300
    assert kept == rows_of(STORED)
    assert FeedDay.objects.filter(rows__lt=0).count() == 0


def test_a_sum_of_amounts_may_leave_64_bits(tmp_path: Path) -> None:
    """Red if amounts were added in 64 bits, which pyarrow wraps without a word."""
    make_merchants(make_partner("bazaar"), "kiln")
    amount, rows = format_minor(MAX_MINOR, "EUR"), 2**63 // MAX_MINOR + 1
    (tmp_path / "merchants.csv").write_text("external_id,name,currency\nkiln,kiln,EUR\n")
    header = "external_id,merchant,kind,occurred_at,amount\n"
    lines = (f"{number},kiln,SALE,2026-02-01T12:00:00Z,{amount}\n" for number in range(rows))
    (tmp_path / "transactions.csv").write_text(header + "".join(lines))
    call_command("import_marketplace", tmp_path, partner="bazaar", settlement="ESCROW", stdout=StringIO())
    assert FeedDay.objects.get().amount_minor == rows * MAX_MINOR > 2**63


def test_a_row_that_came_more_than_a_week_after_it_happened_came_late() -> None:
    today = day_number(NOW.date())
    came = [CountedRows(today - back, "SALE", "EUR", 3, 30) for back in (0, 7, 8, 400)]
    gone = [CountedRows(today - 400, "SALE", "EUR", -1, -10, NOW), CountedRows(today, "SALE", "EUR", -1, -10, NOW)]
    partner = make_partner()
    for counted in (came, gone):
        with operation():
            add_to_feed(partner_id=partner.pk, counted=counted, now=NOW)
    assert list(FeedDay.objects.order_by("-day").values_list("rows", "late")) == [(2, 0), (3, 0), (3, 3), (2, 2)]


def feed(partner: Partner, days: range, a_day: int = 10) -> None:
    """Send so many sales on each of the days before the business date of the test."""
    for back in days:
        at = (NOW - timedelta(days=back)).isoformat()
        receive(partner, [sale(f"{back}-{number}", occurred_at=at) for number in range(a_day)])


@pytest.fixture
def partner() -> Partner:
    open_day(on=NOW.date(), actor=CLERK, now=NOW)
    partner = make_partner()
    make_merchants(partner, "kiln")
    return partner


def test_a_feed_that_stops_is_red_until_it_comes_again(partner: Partner, client: Client) -> None:
    """Red if a signal stayed, or were recorded every five minutes."""
    feed(partner, range(5, 80))
    assert judge_feeds(now=NOW) == 1
    assert judge_feeds(now=NOW) == 0
    partner.refresh_from_db()
    assert partner.feed_signal == FeedSignal.SILENT
    client.force_login(make_user("viewer", Role.VIEWER))
    page = partial(client.get, reverse("admin:merchants_partner_change", args=[partner.pk]))
    assertContains(page(), FEED_SIGNALS[FeedSignal.SILENT])
    assertContains(client.get(reverse("admin:merchants_partner_changelist")), "Silent")

    feed(partner, range(1, 5))
    assert judge_feeds(now=NOW) == 1
    assertNotContains(page(), FEED_SIGNALS[FeedSignal.SILENT])
    events = OperationEvent.objects.filter(name="merchants.judge_feed").order_by("pk")
    assert [(event.before["signal"], event.after["signal"]) for event in events] == [("", "SILENT"), ("SILENT", "")]


def test_a_feed_that_is_delivered_weekly_is_judged_by_its_arrivals(partner: Partner) -> None:
    """Red if arrivals were not read, or those of another partner, without rows, of no feed, or of long ago counted."""
    feed(partner, range(7, 80))
    assert judge_feeds(now=NOW) == 1
    batches = list(Batch.objects.order_by("number").values_list("pk", flat=True))
    other = make_partner("other")
    make_merchants(other, "kiln")
    strange = [receive(other, [sale("x")]).pk, receive(partner, []).pk, batches.pop()]
    Batch.objects.filter(pk=strange[-1]).update(source=BEHAVIOUR)
    Batch.objects.filter(pk__in=strange).update(sealed_at=NOW - timedelta(days=40))
    Batch.objects.filter(pk__in=batches).update(sealed_at=NOW - timedelta(days=6))
    for number, arrived in zip(batches, (61, 20, 13), strict=False):
        Batch.objects.filter(pk=number).update(sealed_at=NOW - timedelta(days=arrived))
    assert judge_feeds(now=NOW) == 1
    partner.refresh_from_db()
    assert partner.feed_signal == ""
    open_day(on=NOW.date() + timedelta(days=3), actor=CLERK, now=NOW)
    assert judge_feeds(now=NOW) == 1, "no sale for nine days, where deliveries are a week apart"


def test_a_partners_page_tells_what_its_feed_carries(partner: Partner, client: Client) -> None:
    feed(partner, range(1, 9), a_day=2)
    receive(partner, [sale("r", kind="REVIEW", amount="", value="5")])
    client.force_login(make_user("viewer", Role.VIEWER))
    page = client.get(reverse("admin:merchants_partner_change", args=[partner.pk])).context["page"]
    assert [figure.value for figure in page.figures] == [14, 0, 17]
    _days, carried, batches, _partner = page.cards
    assert [row[1] for row in carried.parts[0].rows] == [1, 16]
    assert [row[2] for row in carried.parts[0].rows] == ["", "160.00 EUR"]
    assert len(list(batches.parts[0].rows)) == 9
    assert sales_by_day([partner.pk]) == sales_by_day()
    assert sales_by_day([partner.pk + 1]) == {}


def test_a_partner_without_rows_or_business_date_has_a_page(client: Client) -> None:
    partner = make_partner()
    client.force_login(make_user("viewer", Role.VIEWER))
    assertContains(client.get(reverse("admin:merchants_partner_change", args=[partner.pk])), "Nothing has come yet.")
    assert judge_feeds(now=NOW) == 0


def test_every_signal_has_its_words() -> None:
    assert set(FEED_SIGNALS) == set(FEED_CHIPS) == set(FeedSignal)
