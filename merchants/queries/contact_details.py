"""Read how merchants are reached."""

from collections.abc import Collection

from merchants.domain.contact_detail import DetailKind, Language
from merchants.models import ContactDetail, Merchant


def details_of(merchant_id: int) -> list[ContactDetail]:
    """List the details of a merchant that are in use, the last entered first."""
    return list(ContactDetail.objects.in_use().filter(merchant=merchant_id).order_by("-pk"))


def get_detail_of_partner(*, partner_id: int, detail_id: int) -> ContactDetail:
    """Get a detail of one of a partner's merchants. Raises ContactDetail.DoesNotExist."""
    return ContactDetail.objects.get(pk=detail_id, merchant__partner=partner_id)


def address_of(merchant_id: int) -> ContactDetail | None:
    """Get the e-mail address of a merchant that was entered last."""
    return next((one for one in details_of(merchant_id) if one.kind == DetailKind.EMAIL), None)


def languages_of(merchants: Collection[int]) -> dict[int, Language]:
    """Return the language in which merchants are written to: of their last address, or else of their last number."""
    found: dict[int, Language] = {}
    details = (
        ContactDetail.objects.in_use()
        .filter(merchant__in=Merchant.objects.filter(pk__any_of=merchants))
        .order_by("kind", "-pk")
    )
    for merchant, language in details.values_list("merchant_id", "language"):
        found.setdefault(merchant, Language(language))
    return found
