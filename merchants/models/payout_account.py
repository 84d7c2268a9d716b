"""Accounts that merchants are paid out to."""

from typing import Any, Self

from django.db import models
from django.db.models import F, Q

from config.db.choices import choices, known
from config.db.encryption import Keys, environment_keys
from config.db.locking import LockingQuerySet
from merchants.domain.payout_account import (
    LONGEST_NUMBER,
    OPEN_ACCOUNTS,
    NumberForm,
    PayoutAccountState,
    form_of,
    mask_number,
)
from merchants.models.merchant import Merchant

# Texts, not members: a migration would import the enum, and break when a member is renamed.
PENDING, VERIFIED, REJECTED, WITHDRAWN = (state.value for state in PayoutAccountState)


def account_keys() -> Keys:
    """Return the keys of account numbers that the environment gives."""
    return environment_keys(width=LONGEST_NUMBER)


def owner_of(merchant_id: int) -> str:
    """Name a merchant as the owner of its account numbers."""
    return f"merchant {merchant_id}"


class PayoutAccountQuerySet(LockingQuerySet["PayoutAccount"]):
    def pending(self) -> Self:
        return self.filter(state=PayoutAccountState.PENDING)

    def open(self) -> Self:
        return self.filter(state__in=OPEN_ACCOUNTS)

    def verified(self) -> Self:
        return self.filter(state=PayoutAccountState.VERIFIED)

    def enter(self, *, merchant: Merchant, number: str, **fields: Any) -> "PayoutAccount":  # noqa: ANN401 - of any column
        """Create an account of a merchant with this canonical number."""
        kept = account_keys().encrypt(number, owner=owner_of(merchant.pk))
        sealed = {"number_key": kept.key, "sealed_number": kept.sealed, "number_index": kept.index}
        return self.create(merchant=merchant, **sealed, **fields)

    def numbered(self, number: str, *, merchant_id: int) -> Self:
        """Keep a merchant's accounts with this canonical number, under whichever key."""
        return self.filter(merchant=merchant_id, number_index__in=account_keys().indexes(number))


class PayoutAccount(models.Model):
    """An account of a merchant: entered by one person, verified by another.

    merchant_name: the merchant's when the account was entered. follows: the account that the merchant had verified
    before this one. evidence_sha256: of the bank's document that the verifier has seen. evidence_payment: or the row of
    the test payment from the account, as the audit trail names it. approved_by: who approved that it is verified.
    closed_by, reason: who rejected or withdrew it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payout_accounts", db_index=False)
    # The number, readable as `number`: encrypted, under which key, and its hash under that key.
    sealed_number = models.BinaryField()
    number_key = models.CharField(max_length=20)
    number_index = models.BinaryField()
    holder = models.CharField(max_length=200)
    merchant_name = models.CharField(max_length=200, default="", db_default="")
    state = models.CharField(max_length=9, choices=choices(PayoutAccountState))
    entered_by = models.CharField(max_length=40)  # an actor: staff or the partner's system
    entered_at = models.DateTimeField()
    verified_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until someone did
    verified_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until a member of staff did
    follows = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    evidence_sha256 = models.CharField(max_length=64, default="", db_default="")
    evidence_payment = models.CharField(max_length=60, default="", db_default="")
    closed_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until someone did
    closed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, default="", db_default="")

    objects = PayoutAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("verify_payoutaccount", "Can verify payout account"),
            ("approve_payoutaccount", "Can approve that a payout account is verified"),
            ("reveal_payoutaccount", "Can see the whole number of a payout account"),
            ("withdraw_payoutaccount", "Can withdraw a payout account"),
        ]
        constraints = [
            known("state", PayoutAccountState, name="merchants_payoutaccount_state_known"),
            models.CheckConstraint(
                name="merchants_payoutaccount_verified_by_whom_and_when",
                condition=Q(state__in=[VERIFIED, WITHDRAWN], verified_by__isnull=False, verified_at__isnull=False)
                | (~Q(state=VERIFIED) & Q(verified_by__isnull=True, verified_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_closed_by_whom_and_when",
                condition=Q(state__in=[REJECTED, WITHDRAWN], closed_by__isnull=False, closed_at__isnull=False)
                | (~Q(state__in=[REJECTED, WITHDRAWN]) & Q(closed_by__isnull=True, closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_rejected_why", condition=~Q(state=REJECTED) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="merchants_payoutaccount_follows_when_verified",
                condition=Q(follows__isnull=True) | Q(verified_at__isnull=False),
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
            models.UniqueConstraint(
                name="merchants_payoutaccount_number_once",
                fields=["merchant", "number_index"],
                condition=Q(state__in=[PENDING, VERIFIED]),
            ),
        ]

    def __str__(self) -> str:
        return self.masked_number

    @property
    def number(self) -> str:
        """The whole number, decrypted. Raises KeyMissing, TextUnreadable."""
        return account_keys().decrypt(self.number_key, bytes(self.sealed_number), owner=owner_of(self.merchant_id))

    @property
    def masked_number(self) -> str:
        return mask_number(self.number)

    @property
    def form(self) -> NumberForm:
        """Its form, as the currency of its merchant has it."""
        return form_of(self.number, currency=self.merchant.currency)
