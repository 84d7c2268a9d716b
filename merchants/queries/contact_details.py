"""Read how merchants are reached."""

from merchants.models import ContactDetail


def details_of(merchant_id: int) -> list[ContactDetail]:
    """List the details of a merchant that are in use, the last entered first."""
    return list(ContactDetail.objects.in_use().filter(merchant=merchant_id).order_by("-pk"))


def get_detail_of_partner(*, partner_id: int, detail_id: int) -> ContactDetail:
    """Get a detail of one of a partner's merchants. Raises ContactDetail.DoesNotExist."""
    return ContactDetail.objects.get(pk=detail_id, merchant__partner=partner_id)
