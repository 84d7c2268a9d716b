"""Closes of business days, and the proofs of their books."""

from datetime import date, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from lending.domain.books.day_close import CloseState

WORKING = CloseState.WORKING.value


class DayCloseQuerySet(LockingQuerySet["DayClose"]):
    def working(self) -> Self:
        return self.filter(state=WORKING)


class DayClose(models.Model):
    """The close of one business day, behind the one that is open; what it booked is in its entries.

    Parts are ranges of loans up to `last_loan`. accrued_loans: the ledger has the night of the day for the loans up to
    this id. last_event: the last event that was booked before the first of them. loans: how many run.
    drifted: loans whose row is not what their events give, the first hundred.
    """

    day = models.DateField(unique=True)
    state = models.CharField(max_length=7, choices=choices(CloseState), default=WORKING)
    parts = models.SmallIntegerField()
    last_loan = models.BigIntegerField(db_default=0)
    accrued_loans = models.BigIntegerField(db_default=0)
    last_event = models.BigIntegerField(db_default=0)
    loans = models.IntegerField(default=0)
    drifted = ArrayField(models.BigIntegerField(), default=list)
    started_by = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = DayCloseQuerySet.as_manager()

    class Meta:
        verbose_name = _("day close")
        permissions = [("start_dayclose", "Can close a day")]
        constraints = [
            known("state", CloseState, name="lending_dayclose_state_known"),
            models.CheckConstraint(name="lending_dayclose_parts", condition=Q(parts__gt=0, loans__gte=0)),
            models.CheckConstraint(
                name="lending_dayclose_finished_when",
                condition=Q(state=WORKING, finished_at__isnull=True)
                | (~Q(state=WORKING) & Q(finished_at__isnull=False)),
            ),
            models.UniqueConstraint(name="lending_dayclose_one_works", fields=["state"], condition=Q(state="WORKING")),
        ]

    def __str__(self) -> str:
        return str(self.day)

    @property
    def closed_to(self) -> date:
        """The date on which all loans' rows stand, as long as this is the latest close."""
        return self.day + timedelta(days=self.state != WORKING)


class ProofLine(models.Model):
    """One account in one currency at a close: what the ledger has, and what the loans add up to. Append-only.

    Minor units, debits positive; the books are proven if both are equal in every line.
    """

    close = models.ForeignKey(DayClose, on_delete=models.PROTECT, related_name="proof", db_index=False)
    account = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    ledger_minor = models.BigIntegerField()
    loans_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lending_proofline_once", fields=["close", "account", "currency"]),
        ]

    def __str__(self) -> str:
        return f"{self.close_id}: {self.account} {self.currency}"
