"""Money sent and collected through gateways."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from lending.domain.books.transfer import OPEN_TRANSFERS, SENDABLE_TRANSFERS, TransferKind, TransferState
from lending.models.bank import BankFile
from lending.models.loan import Loan

OPEN = sorted(state.value for state in OPEN_TRANSFERS)
SENDABLE = sorted(state.value for state in SENDABLE_TRANSFERS)


class TransferQuerySet(LockingQuerySet["Transfer"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def sendable(self, now: datetime) -> Self:
        return self.filter(state__in=SENDABLE, next_attempt_at__lte=now)

    def unknown(self) -> Self:
        return self.filter(state=TransferState.UNKNOWN)


class Transfer(models.Model):
    """One movement of money: claimed, then sent under its key, then recorded.

    The gateway executes a key at most once, so sending it again asks what became of it. A collection may be filled
    in part: `moved_minor` is what came; `on` is the effective date. `next_attempt_at` is when it may be sent, or asked
    for again, while it is DUE, SENT or UNKNOWN. `answer` is the gateway's words, or its reference if PENDING. `file` is
    the file in which it went to a bank.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="transfers")
    kind = models.CharField(max_length=10, choices=choices(TransferKind))
    state = models.CharField(max_length=8, choices=choices(TransferState))
    gateway = models.CharField(max_length=20, db_default="loopback")  # of the transfers before this column
    key = models.UUIDField(unique=True)
    on = models.DateField()
    amount_minor = models.BigIntegerField()
    moved_minor = models.BigIntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    answer = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="orders", null=True, db_index=False)

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout or collection")
        verbose_name_plural = _("payouts and collections")
        constraints = [
            known("kind", TransferKind, name="lending_transfer_kind_known"),
            known("state", TransferState, name="lending_transfer_state_known"),
            models.CheckConstraint(
                name="lending_transfer_amounts",
                condition=Q(amount_minor__gt=0, moved_minor__gte=0, moved_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="lending_transfer_moved_when_done", condition=Q(state__in=["DONE", "RETURNED"]) | Q(moved_minor=0)
            ),
            models.CheckConstraint(
                name="lending_transfer_payout_whole",
                condition=~Q(kind="PAYOUT", state="DONE") | Q(moved_minor=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="lending_transfer_settled_when",
                condition=Q(state__in=OPEN, settled_at__isnull=True)
                | (~Q(state__in=OPEN) & Q(settled_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="lending_transfer_one_open", fields=["loan", "kind"], condition=Q(state__in=OPEN)
            ),
            models.UniqueConstraint(
                name="lending_transfer_one_payout",
                fields=["loan"],
                condition=Q(kind="PAYOUT") & ~Q(state__in=["FAILED", "RETURNED"]),
            ),
            models.UniqueConstraint(
                name="lending_transfer_one_collection_a_day", fields=["loan", "on"], condition=Q(kind="COLLECTION")
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="lending_transfer_not_done", condition=~Q(state="DONE")),
            models.Index(
                fields=["gateway", "next_attempt_at"], name="lending_transfer_next", condition=Q(state__in=SENDABLE)
            ),
            models.Index(fields=["file"], name="lending_transfer_in_file", condition=Q(file__isnull=False)),
            models.Index(
                fields=["gateway"],
                name="lending_transfer_to_file",
                condition=Q(file__isnull=True, state=TransferState.PENDING.value),
            ),
            models.Index(
                fields=["gateway", "-sent_at"], name="lending_transfer_asked", condition=Q(sent_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
