"""How merchants are reached."""

from typing import Any, Final, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from merchants.domain.contact_detail import DetailKind, Language, mask_detail
from merchants.models.merchant import Merchant
from merchants.models.payout_account import account_keys

PADDED_TO: Final = 64
"""Characters, and multiples of them: what is encrypted does not tell how long it is."""


def contact_of(merchant_id: int) -> str:
    """Name whose a detail is; not as for accounts, or a number copied from there could be shown as one."""
    return f"contact of merchant {merchant_id}"


class ContactDetailQuerySet(LockingQuerySet["ContactDetail"]):
    def in_use(self) -> Self:
        return self.filter(retired_at__isnull=True)

    def enter(self, *, merchant: Merchant, text: str, **fields: Any) -> "ContactDetail":  # noqa: ANN401 - of any column
        """Create a detail of a merchant with this canonical text."""
        padded = text.ljust(-(-len(text) // PADDED_TO) * PADDED_TO).encode()
        keys = account_keys()
        sealed = keys.seal(padded, owner=contact_of(merchant.pk))
        return self.create(merchant=merchant, text_key=keys.current, sealed_text=sealed, **fields)


class ContactDetail(models.Model):
    """A telephone number or an address of a merchant, encrypted; in use until it is retired."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="contact_details", db_index=False)
    kind = models.CharField(max_length=5, choices=choices(DetailKind))
    language = models.CharField(max_length=2, choices=choices(Language))
    # The number or address, readable as `text`: encrypted, and under which key.
    sealed_text = models.BinaryField()
    text_key = models.CharField(max_length=20)
    entered_by = models.CharField(max_length=40)
    entered_at = models.DateTimeField()
    retired_by = models.CharField(max_length=40, blank=True)
    retired_at = models.DateTimeField(null=True)

    objects = ContactDetailQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact detail")
        permissions = [
            ("reveal_contactdetail", "Can see a whole number or address"),
            ("retire_contactdetail", "Can retire a contact detail"),
        ]
        constraints = [
            known("kind", DetailKind, name="merchants_contactdetail_kind_known"),
            known("language", Language, name="merchants_contactdetail_language_known"),
            models.CheckConstraint(
                name="merchants_contactdetail_retired_by_whom",
                condition=(Q(retired_at__isnull=False) & ~Q(retired_by="")) | Q(retired_at__isnull=True, retired_by=""),
            ),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="merchants_contactdetail_of")]

    def __str__(self) -> str:
        return self.masked

    @property
    def text(self) -> str:
        """The whole number or address, decrypted. Raises KeyMissing, TextUnreadable."""
        content = account_keys().open(self.text_key, bytes(self.sealed_text), owner=contact_of(self.merchant_id))
        return content.decode().rstrip()

    @property
    def masked(self) -> str:
        return mask_detail(DetailKind(self.kind), self.text)
