"""Accounts that merchants are paid out to."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from merchants.domain.payout_account import NUMBER_PATTERN, NumberForm, PayoutAccountState, form_of, mask_number
from merchants.models.merchant import Merchant

# Texts, not members: a migration would import the enum, and break when a member is renamed.
VERIFIED = PayoutAccountState.VERIFIED.value


class PayoutAccountQuerySet(LockingQuerySet["PayoutAccount"]):
    def pending(self) -> Self:
        return self.filter(state=PayoutAccountState.PENDING)

    def verified(self) -> Self:
        return self.filter(state=PayoutAccountState.VERIFIED)


class PayoutAccount(models.Model):
    """An account of a merchant: entered by one person, verified by another."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payout_accounts", db_index=False)
    number = models.CharField(max_length=34)
    holder = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=choices(PayoutAccountState))
    entered_by = models.CharField(max_length=40)  # an actor: staff or the partner's system
    entered_at = models.DateTimeField()
    verified_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until someone did
    verified_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until a member of staff did

    objects = PayoutAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("verify_payoutaccount", "Can verify payout account"),
            ("approve_payoutaccount", "Can approve that a payout account is verified"),
        ]
        constraints = [
            known("state", PayoutAccountState, name="merchants_payoutaccount_state_known"),
            models.CheckConstraint(
                name="merchants_payoutaccount_number_canonical",
                condition=Q(number__regex=NUMBER_PATTERN),
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_verified_by_whom_and_when",
                condition=Q(state=VERIFIED, verified_by__isnull=False, verified_at__isnull=False)
                | (~Q(state=VERIFIED) & Q(verified_by__isnull=True, verified_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_four_eyes",
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=F("entered_by")),
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_approved_by_another",
                condition=Q(approved_by__isnull=True)
                | (Q(verified_by__isnull=False) & ~Q(approved_by=F("verified_by"))),
            ),
            models.UniqueConstraint(
                name="merchants_payoutaccount_one_verified", fields=["merchant"], condition=Q(state=VERIFIED)
            ),
            models.UniqueConstraint(name="merchants_payoutaccount_number_once", fields=["merchant", "number"]),
        ]

    def __str__(self) -> str:
        return self.masked_number

    @property
    def masked_number(self) -> str:
        return mask_number(self.number)

    @property
    def form(self) -> NumberForm:
        """Its form, as the currency of its merchant has it."""
        return form_of(self.number, currency=self.merchant.currency)
