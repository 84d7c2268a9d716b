"""Keep the money that is sent and fetched through gateways."""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.locking import LockingQuerySet
from lending.domain.books.transfer import BACK_OFF, OPEN_TRANSFERS, PATIENCE, TransferKind, TransferState
from lending.models.loan import Loan

KINDS = [kind.value for kind in TransferKind]
STATES = [state.value for state in TransferState]
OPEN = sorted(state.value for state in OPEN_TRANSFERS)


class TransferQuerySet(LockingQuerySet["Transfer"]):
    """Select transfers."""

    def open(self) -> Self:
        """Keep those whose outcome is not known."""
        return self.filter(state__in=OPEN)

    def sendable(self, now: datetime) -> Self:
        """Keep the open ones, save those that were sent a moment ago."""
        return self.open().filter(~Q(state=TransferState.SENT) | Q(sent_at__lte=now - PATIENCE))

    def unanswered(self, now: datetime) -> Self:
        """Keep those that were sent and are to be asked for again: the oftener in vain, the later."""
        waited = [Q(attempts__lte=most, sent_at__lte=now - wait) for most, wait in BACK_OFF.items()]
        return self.open().exclude(state=TransferState.DUE).filter(reduce(or_, waited))

    def unknown(self) -> Self:
        """Keep those that were sent and got no answer."""
        return self.filter(state=TransferState.UNKNOWN)


class Transfer(models.Model):
    """One movement of money, claimed, then sent under its key, then recorded.

    The gateway does a key at most once, so sending it again is asking what became of it. A collection may be filled
    in part: `moved_minor` is what came; it carries the effective date `on`.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="transfers")
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    state = models.CharField(max_length=8, choices=[(state, state) for state in STATES])
    key = models.UUIDField(unique=True)
    on = models.DateField()
    amount_minor = models.BigIntegerField()
    moved_minor = models.BigIntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    answer = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("transfer")
        constraints = [
            models.CheckConstraint(name="lending_transfer_kind_known", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(name="lending_transfer_state_known", condition=Q(state__in=STATES)),
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
                name="lending_transfer_one_collection_a_day", fields=["loan", "on"], condition=Q(kind="COLLECTION")
            ),
        ]
        indexes = [
            models.Index(fields=["made_at"], name="lending_transfer_open", condition=Q(state__in=OPEN)),
            models.Index(fields=["-sent_at"], name="lending_transfer_last", condition=Q(sent_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
