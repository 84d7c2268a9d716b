"""Stream a partner's feed in the import format, row by row."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from config.kernel.calendar import date_of
from config.kernel.money import format_minor
from merchants.domain.transaction import NO_AMOUNT

MERCHANTS = """
SELECT m.external_id, m.name, m.currency, o.external_ref, m.category, m.region, m.city, m.membership, m.opened_on::text
FROM merchants_merchant m LEFT JOIN merchants_owner o ON o.id = m.owner_id
WHERE m.partner_id = %s ORDER BY m.external_id
"""
# In each partition's key order, so that nothing is sorted.
TRANSACTIONS = """
SELECT t.external_id, m.external_id, t.kind, t.occurred_at, m.currency, t.amount_minor, t.order_ref, t.buyer::text,
    t.value::text, t.channel, t.recorded_day
FROM merchants_transaction t JOIN merchants_merchant m ON m.id = t.merchant_id
WHERE m.partner_id = %s AND t.superseded_in IS NULL ORDER BY t.merchant_id, t.id
"""
TRANSACTION_TYPES = ("text", "text", "text", "timestamptz", "text", "int8", "text", "text", "text", "text", "int4")
TRANSACTION_COLUMNS = (
    *("external_id", "merchant", "kind", "occurred_at", "amount", "currency", "order_ref", "buyer_hash", "value"),
    *("channel", "recorded_at"),
)
MERCHANT_COLUMNS = (
    *("external_id", "name", "currency", "owner_ref", "category", "region", "city", "membership", "opened_on"),
)


def merchants_of_feed(*, partner_id: int) -> Iterator[Sequence[str]]:
    """Yield each merchant's texts, by MERCHANT_COLUMNS."""
    for row in _copied(MERCHANTS, partner_id, ("text",) * len(MERCHANT_COLUMNS)):
        yield [cell or "" for cell in row]


def transactions_of_feed(*, partner_id: int) -> Iterator[Sequence[str]]:
    """Yield each transaction's texts, by TRANSACTION_COLUMNS, merchant by merchant, without superseded ones.

    A buyer is exported as the stored hash, from which an import knows the same buyer again; names are not kept. Of
    `recorded_at` the business day is kept: its noon is exported.
    """
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    for external_id, merchant, kind, at, currency, minor, order, buyer, value, channel, recorded in _copied(
        TRANSACTIONS, partner_id, TRANSACTION_TYPES
    ):
        amount = "" if kind in NO_AMOUNT else format_minor(minor, currency)
        noon = "" if recorded is None else datetime.combine(date_of(recorded), time(12), zone).isoformat()
        texts = (external_id, merchant, kind, at.isoformat(), amount, currency, order, buyer or "", value or "")
        yield (*texts, channel, noon)


def _copied(query: str, partner_id: int, types: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Stream the rows of a query in a transaction without a statement timeout; none are buffered."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        with cursor.copy(f"COPY ({query}) TO STDOUT", [partner_id]) as copy:
            copy.set_types(types)
            yield from copy.rows()
