"""Read partners and merchants."""

from collections.abc import Iterable

from merchants.domain.text import storable
from merchants.domain.transaction import KnownMerchant
from merchants.models import Merchant, Partner


def get_partner(*, code: str) -> Partner:
    """Get the partner with this code. Raises Partner.DoesNotExist."""
    return Partner.objects.get(code=code)


def get_merchant(*, partner_id: int, external_id: str) -> Merchant:
    """Get the merchant that the partner calls so. Raises Merchant.DoesNotExist."""
    if not storable(external_id):
        raise Merchant.DoesNotExist
    return Merchant.objects.of(partner_id).select_related("owner").get(external_id=external_id)


def merchants_after(*, partner_id: int, external_id: str, limit: int) -> list[Merchant]:
    """List a partner's merchants in order of external ids, from the one after the given."""
    external_id = external_id if storable(external_id) else ""
    later = Merchant.objects.of(partner_id).filter(external_id__gt=external_id).order_by("external_id")
    return list(later.select_related("owner")[:limit])


def known_merchants(*, partner_id: int, external_ids: Iterable[str]) -> dict[str, KnownMerchant]:
    """Find those of a partner's merchants that exist, by external id."""
    found = Merchant.objects.of(partner_id).filter(external_id__in=set(external_ids))
    return {
        name: KnownMerchant(pk, currency) for pk, name, currency in found.values_list("pk", "external_id", "currency")
    }
