"""Read whom early warning watches, what falls due for them next, and of whom rows came."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from config.db.planning import planned_for_its_values
from config.kernel.calendar import day_number
from lending.domain.watch.cash_flow import SHORTEST_SINCE, Cell, Market, NextInstalment, Peers
from lending.domain.watch.policy import WatchPolicy, day_one_watch, parse_watch
from lending.models import PeerCell, WatchRun
from lending.models import WatchPolicy as WatchPolicyVersion
from lending.queries.balances import running_balances
from merchants.queries.batches import Watermark
from merchants.queries.partitions import partition_sql
from scoring.queries.measures import Known

ROWS_OF: Final = timedelta(days=7)
"""Older rows that come late wait for the night."""
# Whoever has a limit or a loan, and whoever a warning may be lifted of; not while its feed is red and tells nothing.
WATCHED: Final = """
SELECT w.merchant_id, m.currency, m.category, m.region, (
    SELECT max(l.disbursed_on) FROM lending_loan l
    WHERE l.merchant_id = w.merchant_id AND l.status = 'ACTIVE' AND l.disbursed_on < %(drawn_before)s
)
FROM (
    SELECT merchant_id FROM lending_loan WHERE status = 'ACTIVE'
    UNION SELECT merchant_id FROM lending_line WHERE state IN ('ACTIVE', 'FROZEN')
    UNION SELECT merchant_id FROM lending_offer WHERE state IN ('MADE', 'DELIVERED')
    UNION SELECT merchant_id FROM lending_earlywarning WHERE state IN ('RAISED', 'CONFIRMED')
) w
JOIN merchants_merchant m ON m.id = w.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
WHERE p.feed_signal = '' AND (%(merchants)s::bigint[] IS NULL OR w.merchant_id = ANY(%(merchants)s::bigint[]))
"""
IN_PARTITIONS: Final = "SELECT * FROM ({watched}) w WHERE {partition} IS NOT NULL ORDER BY merchant_id"
# The next day on which something falls due, of borrowers who are not late; as `facts_of` sums what is ahead.
NEXT: Final = """
SELECT DISTINCT ON (merchant_id) merchant_id, due, minor FROM (
    SELECT l.merchant_id, i.due, sum(i.left_minor + i.interest_minor + i.fee_minor)::bigint AS minor
    FROM lending_loan l JOIN lending_instalment i ON i.loan_id = l.id
    WHERE l.merchant_id = ANY(%(merchants)s::bigint[]) AND l.status = 'ACTIVE' AND i.left_minor > 0
        AND i.due > %(as_of)s AND i.due <= %(until)s AND i.due > l.booked_to
        AND NOT EXISTS (
            SELECT FROM lending_loan o WHERE o.merchant_id = l.merchant_id AND o.status = 'ACTIVE'
                AND o.late_since < %(as_of)s
        )
    GROUP BY l.merchant_id, i.due
) dues ORDER BY merchant_id, due
"""
# Borrowers of these batches' partners: with the time, the way to their rows is an index.
ROWS: Final = """
SELECT m.id FROM merchants_merchant m
WHERE m.partner_id IN (SELECT partner_id FROM merchants_batch WHERE number = ANY(%(batches)s::bigint[]))
    AND m.id IN (SELECT merchant_id FROM lending_loan WHERE status = 'ACTIVE')
    AND EXISTS (
        SELECT FROM merchants_transaction t WHERE t.merchant_id = m.id AND t.occurred_at >= %(since)s
            AND t.batch_id = ANY(%(batches)s::bigint[]) AND t.kind IN ('REFUND', 'CHARGEBACK', 'DISPATCH', 'PAYOUT')
    )
ORDER BY m.id
"""
NEW_BATCHES: Final = """
SELECT number FROM merchants_batch
WHERE (number >= %(high)s OR number = ANY(%(open)s::bigint[])) AND state = 'SEALED' AND accepted > 0
    AND source <> 'behaviour'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedMerchant:
    """A merchant that is watched: its peers' cell, and the day of the draw that diversion is looked for after."""

    cell: Cell
    drawn_on: date | None


def policy_in_force() -> WatchPolicyVersion | None:
    """Get the policy that was entered last; None while day one's counts."""
    return WatchPolicyVersion.objects.order_by("-pk").first()


def policy_of(version: WatchPolicyVersion | None) -> WatchPolicy:
    """Parse a version."""
    return day_one_watch() if version is None else parse_watch(version.content, version.sha256)


def known_to(run: WatchRun) -> Known:
    """Return what a run may see."""
    watermark = Watermark(run.watermark_high, tuple(run.watermark_open))
    return Known(as_of_day=day_number(run.as_of), watermark=watermark)


def market_of(run: WatchRun) -> Market:
    """Return how sales changed, as the run of the night counted it."""
    cells = PeerCell.objects.filter(run=run.peers_id or run.pk)
    fields = ("currency", "category", "region", "merchants", "sales_recent", "sales_usual")
    return Market.of(
        ((currency, category, region), Peers(merchants=merchants, sales_recent=recent, sales_usual=usual))
        for currency, category, region, merchants, recent, usual in cells.values_list(*fields)
    )


def watched_merchants(run: WatchRun, *, partitions: Sequence[int]) -> dict[int, WatchedMerchant]:
    """Return whom a run judges of those whose rows are in these partitions, in the order of their ids."""
    statement = IN_PARTITIONS.format(watched=WATCHED, partition=partition_sql("merchant_id", partitions))
    asked = {"merchants": run.merchants, "drawn_before": run.as_of - timedelta(days=SHORTEST_SINCE)}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return {
            merchant: WatchedMerchant(cell=(currency, category, region), drawn_on=drawn_on)
            for merchant, currency, category, region, drawn_on in cursor.fetchall()
        }


def count_watched() -> int:
    """Count whom a night judges."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({WATCHED}) w",  # noqa: S608
            {"merchants": None, "drawn_before": date.min},
        )
        [number] = cursor.fetchone()
    return int(number)


def next_instalments(
    merchants: Collection[int], run: WatchRun, *, within: int, partitions: Sequence[int]
) -> Mapping[int, NextInstalment]:
    """Return what falls due next within so many days for those merchants who are not late, and what they have for it.

    Minor units.
    """
    asked: dict[str, Any] = {
        "merchants": list(merchants),
        "as_of": run.as_of,
        "until": run.as_of + timedelta(days=within),
    }
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(NEXT, asked)
        dues = {merchant: (due, minor) for merchant, due, minor in cursor.fetchall()}
    balances = running_balances(list(dues), known=known_to(run), partitions=partitions)
    return {
        merchant: NextInstalment(due_minor=minor, days=(due - run.as_of).days, balance_minor=balances.get(merchant, 0))
        for merchant, (due, minor) in dues.items()
    }


def borrowers_with_new_rows(since: Watermark, *, now: datetime, today: date) -> list[int]:
    """List the borrowers of whom rows came that a watermark does not know, of late and of kinds that raise signals."""
    midnight = datetime.combine(today, datetime.min.time(), ZoneInfo(settings.BUSINESS_TIME_ZONE))
    asked: dict[str, Any] = {"high": since.high, "open": list(since.open), "since": min(now, midnight) - ROWS_OF}
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(NEW_BATCHES, asked)
        asked["batches"] = [number for (number,) in cursor.fetchall()]
        if not asked["batches"]:
            return []
        cursor.execute(ROWS, asked)
        return [merchant for (merchant,) in cursor.fetchall()]
