"""How merchants repay, as recorded."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from django.db import connection

from scoring.domain.behaviour import Behaviour

CHANGED: Final = """
SELECT m.partner_id, n.merchant_id, n.dpd, n.scheduled_minor, n.repaid_minor, n.loans_repaid
FROM unnest(%b::bigint[], %b::int[], %b::bigint[], %b::bigint[], %b::int[])
    n (merchant_id, dpd, scheduled_minor, repaid_minor, loans_repaid)
JOIN merchants_merchant m ON m.id = n.merchant_id
LEFT JOIN LATERAL (
    SELECT f.* FROM scoring_behaviourfact f WHERE f.merchant_id = n.merchant_id AND f.business_date <= %s
    ORDER BY f.business_date DESC, f.batch_id DESC LIMIT 1
) known ON true
WHERE (n.dpd, n.scheduled_minor, n.repaid_minor, n.loans_repaid) IS DISTINCT FROM (coalesce(known.dpd, 0),
    coalesce(known.scheduled_minor, 0), coalesce(known.repaid_minor, 0), coalesce(known.loans_repaid, 0))
ORDER BY m.partner_id, n.merchant_id
"""


def changed_behaviours(facts: Sequence[Behaviour], *, on: date) -> list[tuple[int, Behaviour]]:
    """Filter to those that differ from their merchant's latest fact up to a day or, without one, from all zeros.

    Each with its merchant's partner, in order of partners.
    """
    columns = list(map(list, zip(*facts, strict=True))) or [[]] * len(Behaviour._fields)
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, [*columns, on])
        return [(partner, Behaviour(*row)) for partner, *row in cursor.fetchall()]
