"""Whose a merchant counts as when what it may borrow is judged: a partner cannot switch an owner off."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from lending.models.loan import EXPOSED
from merchants.models import Merchant, Owner

# A former owner counts while a loan runs that ran when the merchant left it: its present merchants', or one left since.
COUNTS = """f.owner_id IS NOT NULL AND (EXISTS (
    SELECT FROM lending_loan l JOIN merchants_merchant p ON p.id = l.merchant_id
    WHERE p.owner_id = f.owner_id AND l.approved_at < f.until AND l.status = ANY(%(exposed)s::text[])
) OR EXISTS (
    SELECT FROM lending_loan l JOIN merchants_formerownership g ON g.merchant_id = l.merchant_id
    WHERE g.owner_id = f.owner_id AND l.approved_at < least(f.until, g.until) AND l.status = ANY(%(exposed)s::text[])
))"""
OWNED = f"""
SELECT m.owner_id, m.id AS merchant_id, m.currency FROM merchants_merchant m WHERE m.owner_id IS NOT NULL
UNION ALL
SELECT f.owner_id, f.merchant_id, m.currency
FROM merchants_formerownership f JOIN merchants_merchant m ON m.id = f.merchant_id WHERE {COUNTS}
"""  # noqa: S608 - constants only
STATE = f"""
SELECT count(*), coalesce(md5(string_agg(f.id::text, ',' ORDER BY f.id) FILTER (WHERE {COUNTS})), '')
FROM merchants_formerownership f
"""  # noqa: S608 - constants only
OWNERS = f"SELECT merchant_id, owner_id FROM ({OWNED}) owned WHERE merchant_id = ANY(%(keys)s::bigint[])"  # noqa: S608
MERCHANTS = f"SELECT owner_id, merchant_id, currency FROM ({OWNED}) owned WHERE owner_id = ANY(%(keys)s::bigint[])"  # noqa: S608


def owners_of(merchants: Iterable[int]) -> dict[int, set[int]]:
    """Return the owners of merchants, by merchant: the present one, and each former one that still counts."""
    found = defaultdict[int, set[int]](set)
    for merchant, owner in _rows(OWNERS, merchants):
        found[merchant].add(owner)
    return dict(found)


def former_owners_of(merchant: Merchant) -> list[Owner]:
    """List the owners that a merchant left and still counts as theirs."""
    owners = owners_of([merchant.pk]).get(merchant.pk, set())
    return list(Owner.objects.filter(pk__in=owners - {merchant.owner_id}).order_by("pk"))


def merchants_of(owners: Iterable[int]) -> dict[int, dict[int, str]]:
    """Return the currencies of the merchants that count as an owner's, by owner and merchant."""
    found = defaultdict[int, dict[int, str]](dict)
    for owner, merchant, currency in _rows(MERCHANTS, owners):
        found[owner][merchant] = currency
    return dict(found)


def state_of_owners() -> tuple[int, str]:
    """Return what is another pair once a merchant has changed hands, or a former owner counts no longer, or again."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, {"exposed": EXPOSED})
        changes, counting = cursor.fetchone()
    return changes, counting


def _rows(statement: str, keys: Iterable[int]) -> list[tuple[Any, ...]]:
    keys = list(keys)
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, {"exposed": EXPOSED, "keys": keys})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
