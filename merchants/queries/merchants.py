"""Read partners and merchants."""

from collections.abc import Iterable
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from merchants.domain.text import storable
from merchants.domain.transaction import KnownMerchant
from merchants.models import Merchant

SHORTEST_PART: Final = 3  # of a name: fewer letters make no trigram, and an index serves only beginnings
MOST_VALUES: Final = 300
# A loose scan of the index (PostgreSQL wiki, "Loose indexscan"): as many look-ups as there are values, not rows.
DISTINCT: Final = """
WITH RECURSIVE found AS (
    (SELECT {column} AS value FROM merchants_merchant ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM merchants_merchant WHERE {column} > found.value ORDER BY {column} LIMIT 1)
    FROM found WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value <> '' LIMIT %s
"""


def get_merchant(*, partner_id: int, external_id: str) -> Merchant:
    """Get a merchant by the partner's id for it. Raises Merchant.DoesNotExist."""
    if not storable(external_id):
        raise Merchant.DoesNotExist
    return Merchant.objects.of(partner_id).select_related("owner").get(external_id=external_id)


def merchants_after(*, partner_id: int, external_id: str, limit: int) -> list[Merchant]:
    """List a partner's merchants in order of external id, after the given one."""
    external_id = external_id if storable(external_id) else ""
    later = Merchant.objects.of(partner_id).filter(external_id__gt=external_id).order_by("external_id")
    return list(later.select_related("owner")[:limit])


def known_merchants(*, partner_id: int, external_ids: Iterable[str]) -> dict[str, KnownMerchant]:
    """Return the partner's merchants among these external ids, by external id."""
    found = Merchant.objects.of(partner_id).filter(external_id__any_of=set(external_ids))
    return {
        name: KnownMerchant(pk, currency) for pk, name, currency in found.values_list("pk", "external_id", "currency")
    }


def search_merchants(term: str) -> QuerySet[Merchant]:
    """Find merchants by part of their name or id, ignoring case; only by its beginning if the term is short."""
    kind = "icontains" if len(term) >= SHORTEST_PART else "istartswith"
    return Merchant.objects.filter(Q(**{f"name__{kind}": term}) | Q(**{f"external_id__{kind}": term}))


def categories() -> list[str]:
    """List the categories, at most 300."""
    return _distinct("category")


def regions() -> list[str]:
    """List the regions, at most 300."""
    return _distinct("region")


def siblings_of(merchant: Merchant, *, most: int) -> list[Merchant]:
    """List other merchants of the same owner, at most `most`."""
    if merchant.owner_id is None:
        return []
    return list(Merchant.objects.filter(owner=merchant.owner_id).exclude(pk=merchant.pk).order_by("pk")[:most])


def _distinct(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(DISTINCT.format(column=column), [MOST_VALUES])
        return [value for (value,) in cursor.fetchall()]
