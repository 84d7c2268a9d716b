"""Whose a merchant counts as when what it may borrow is judged: a partner cannot switch an owner off."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, QuerySet

from lending.models import Loan
from merchants.models import FormerOwnership, Merchant, Owner


def owners_of(merchants: Iterable[int]) -> dict[int, set[int]]:
    """Return the owners of merchants, by merchant: the present one, and each former one that still counts.

    A former owner counts while a loan runs that ran when the merchant left it.
    """
    merchants = list(merchants)
    found = defaultdict[int, set[int]](set)
    present = Merchant.objects.filter(pk__in=merchants, owner__isnull=False).values_list("pk", "owner_id")
    former = _counting().filter(merchant__in=merchants).values_list("merchant_id", "owner_id")
    for merchant, owner in (*present, *former):
        found[merchant].add(owner)
    return dict(found)


def former_owners_of(merchant: Merchant) -> list[Owner]:
    """List the owners that a merchant left and still counts as theirs."""
    owners = owners_of([merchant.pk]).get(merchant.pk, set())
    return list(Owner.objects.filter(pk__in=owners - {merchant.owner_id}).order_by("pk"))


def merchants_of(owners: Iterable[int]) -> dict[int, dict[int, str]]:
    """Return the currencies of the merchants that count as an owner's, by owner and merchant."""
    owners = list(owners)
    found = defaultdict[int, dict[int, str]](dict)
    present = Merchant.objects.filter(owner__in=owners).values_list("owner_id", "pk", "currency")
    former = _counting().filter(owner__in=owners).values_list("owner_id", "merchant_id", "merchant__currency")
    for owner, merchant, currency in (*present, *former):
        found[owner][merchant] = currency
    return dict(found)


def _counting() -> QuerySet[FormerOwnership]:
    owner = OuterRef("owner")
    ran = Loan.objects.exposed().filter(approved_at__lt=OuterRef("until"))
    of_present = ran.filter(merchant__owner=owner)
    of_former = ran.filter(
        merchant__former_ownerships__owner=owner, merchant__former_ownerships__until__gt=F("approved_at")
    )
    return FormerOwnership.objects.filter(Exists(of_present) | Exists(of_former))  # each by an index of its own
