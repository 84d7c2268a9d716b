"""Keep what came in a feed by day, as part of the operation that stores the rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from config.db.transactions import require_transaction
from config.kernel.calendar import business_day, day_number
from merchants.domain.feed import is_late

# Once a batch, in one order, and last before it is sealed: two batches of a partner wait for each other, never in a
# circle.
ADD = """
INSERT INTO merchants_feedday AS kept (partner_id, day, kind, currency, rows, amount_minor, late)
SELECT %s, day, kind, currency, rows, amount_minor, late
FROM unnest(%s::integer[], %s::text[], %s::text[], %s::bigint[], %s::numeric[], %s::bigint[])
    came (day, kind, currency, rows, amount_minor, late)
ORDER BY day, kind, currency
ON CONFLICT (partner_id, day, kind, currency) DO UPDATE SET rows = kept.rows + excluded.rows,
    amount_minor = kept.amount_minor + excluded.amount_minor, late = kept.late + excluded.late
"""


@dataclass(frozen=True, slots=True)
class CountedRows:
    """How many rows of a day, kind and currency were stored, or superseded where negative; minor units.

    arrived: when superseded ones had been stored; None for those of now.
    """

    day: int
    kind: str
    currency: str
    rows: int
    amount_minor: int
    arrived: datetime | None = None


def add_to_feed(*, partner_id: int, counted: Iterable[CountedRows], now: datetime) -> None:
    """Add rows to the partner's days. Raises NoTransaction."""
    require_transaction()
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    today = day_number(business_day(now, zone))
    sums: dict[tuple[int, str, str], tuple[int, int, int]] = {}
    for came in counted:
        key = (came.day, came.kind, came.currency)
        rows, minor, late = sums.get(key, (0, 0, 0))
        arrived = today if came.arrived is None else day_number(business_day(came.arrived, zone))
        sums[key] = (rows + came.rows, minor + came.amount_minor, late + came.rows * is_late(came.day, arrived))
    if sums:
        columns = zip(*((*key, *found) for key, found in sums.items()), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(ADD, [partner_id, *map(list, columns)])
