"""Merchants and their owners."""

from typing import Final, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN
from merchants.models.partner import Partner

MERCHANT_CHANGED: Final = "merchants.change_merchant"
"""Names the events that have an owner and a name, before and after."""


class OwnerQuerySet(LockingQuerySet["Owner"]):
    """Owners, lockable."""


class Owner(models.Model):
    """The owner of one or several merchants of a partner, under the partner's own reference."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_ref = models.CharField(max_length=100)

    objects = OwnerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_owner_ref_once", fields=["partner", "external_ref"]),
        ]

    def __str__(self) -> str:
        return self.external_ref


class MerchantQuerySet(LockingQuerySet["Merchant"]):
    def of(self, partner_id: int) -> Self:
        return self.filter(partner_id=partner_id)

    def owning(self, payout_account_id: int) -> Self:
        return self.filter(payout_accounts=payout_account_id)


class Merchant(models.Model):
    """A seller on a partner's platform; its payout accounts are locked by locking it."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="merchants", null=True)
    category = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=200, blank=True)
    membership = models.CharField(max_length=40, blank=True)
    opened_on = models.DateField(null=True)
    currency = models.CharField(max_length=3)

    objects = MerchantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_merchant_external_id_once", fields=["partner", "external_id"]),
            models.CheckConstraint(
                name="merchants_merchant_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)
            ),
        ]
        indexes = [
            models.Index(fields=["name"], name="merchants_merchant_by_name"),
            models.Index(fields=["category"], name="merchants_merchant_by_category"),
            models.Index(fields=["region"], name="merchants_merchant_by_region"),
            # As Django writes a search that ignores case: UPPER(name) LIKE UPPER('%…%').
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="merchants_merchant_name_parts"),
            GinIndex(OpClass(Upper("external_id"), "gin_trgm_ops"), name="merchants_merchant_id_parts"),
        ]

    def __str__(self) -> str:
        return self.name


class FormerOwnership(models.Model):
    """That a merchant was an owner's, or nobody's, until a moment. Append-only: a partner cannot make it forgotten."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="former_ownerships")
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="former_ownerships", null=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.owner_id} until {self.until}"
