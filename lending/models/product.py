"""Versions of products, as immutable hashed data."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.origination.product import ProductKind


class ProductVersion(models.Model):
    """One product as canonical JSON, identified by its hash. Append-only.

    The last entered of a kind and currency is sold.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=40)
    version = models.IntegerField()
    kind = models.CharField(max_length=11, choices=choices(ProductKind), db_default=ProductKind.TERM.value)
    currency = models.CharField(max_length=3)
    content = models.TextField()
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("product")
        permissions = [("approve_productversion", "Can approve that a product is sold")]
        constraints = [
            known("kind", ProductKind, name="lending_productversion_kind_known"),
            models.CheckConstraint(name="lending_productversion_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="lending_productversion_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)
            ),
            models.UniqueConstraint(name="lending_productversion_once", fields=["code", "currency", "version"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version} ({self.currency})"
