"""How merchants repay, as recorded."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from django.db import connection

from scoring.domain.behaviour import Behaviour

DIFFERING: Final = """
FROM unnest(%b::bigint[], %b::int[], %b::bigint[], %b::bigint[], %b::int[])
    n (merchant_id, dpd, scheduled_minor, repaid_minor, loans_repaid)
JOIN merchants_merchant m ON m.id = n.merchant_id
LEFT JOIN LATERAL (
    SELECT f.* FROM scoring_behaviourfact f WHERE f.merchant_id = n.merchant_id AND f.business_date <= %s
    ORDER BY f.business_date DESC, f.batch_id DESC LIMIT 1
) known ON true
WHERE (n.dpd, n.scheduled_minor, n.repaid_minor, n.loans_repaid) IS DISTINCT FROM (coalesce(known.dpd, 0),
    coalesce(known.scheduled_minor, 0), coalesce(known.repaid_minor, 0), coalesce(known.loans_repaid, 0))
"""
ANY: Final = f"SELECT EXISTS (SELECT {DIFFERING})"
CHANGED: Final = f"""
SELECT m.partner_id, n.merchant_id, n.dpd, n.scheduled_minor, n.repaid_minor, n.loans_repaid {DIFFERING}
ORDER BY m.partner_id, n.merchant_id
"""


def any_changed(facts: Sequence[Behaviour], *, on: date) -> bool:
    """Tell whether one of them differs from its merchant's latest fact up to a day: see changed_behaviours."""
    with connection.cursor() as cursor:
        cursor.execute(ANY, [*_columns(facts), on])
        (found,) = cursor.fetchone()
        return bool(found)


def changed_behaviours(facts: Sequence[Behaviour], *, on: date) -> list[tuple[int, Behaviour]]:
    """Filter to those that differ from their merchant's latest fact up to a day or, without one, from all zeros.

    Each with its merchant's partner, in order of partners.
    """
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, [*_columns(facts), on])
        return [(partner, Behaviour(*row)) for partner, *row in cursor.fetchall()]


def _columns(facts: Sequence[Behaviour]) -> list[list[int]]:
    return list(map(list, zip(*facts, strict=True))) or [[]] * len(Behaviour._fields)
