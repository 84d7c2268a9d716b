"""Numbered, sealed batches of rows, and what was wrong with their rows."""

from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from merchants.models.merchant import Merchant
from merchants.models.partner import Partner


class BatchState(StrEnum):
    """The states of a batch: numbered, its rows received, its rows stored for good."""

    OPEN = "OPEN"
    STAGED = "STAGED"
    SEALED = "SEALED"


class IssueKind(StrEnum):
    """What can be wrong with a row: invalid, or known with other content."""

    REJECTED = "REJECTED"
    CONFLICT = "CONFLICT"


SEALED = BatchState.SEALED.value
BEHAVIOUR = "behaviour"
"""The source of batches that hold facts of lending, no rows of a feed."""


class BatchQuerySet(LockingQuerySet["Batch"]):
    def unsealed(self) -> Self:
        return self.exclude(state=BatchState.SEALED)


class Batch(models.Model):
    """Rows that arrived together. Numbers are assigned one at a time, so they rise in the order of commits."""

    number = models.BigIntegerField(primary_key=True)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=200)
    upload = models.ForeignKey(
        "merchants.FeedUpload", on_delete=models.PROTECT, related_name="batches", null=True, db_index=False
    )
    state = models.CharField(max_length=6, choices=choices(BatchState))
    received = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    accepted = models.IntegerField(default=0)
    duplicate = models.IntegerField(default=0)
    conflict = models.IntegerField(default=0)
    opened_by = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("batches")
        constraints = [
            known("state", BatchState, name="merchants_batch_state_known"),
            models.CheckConstraint(
                name="merchants_batch_sealed_when",
                condition=Q(state=SEALED, sealed_at__isnull=False) | (~Q(state=SEALED) & Q(sealed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="merchants_batch_every_row_counted_once",
                condition=~Q(state=SEALED) | Q(received=F("accepted") + F("duplicate") + F("conflict") + F("rejected")),
            ),
        ]
        indexes = [
            models.Index(fields=["number"], name="merchants_batch_unsealed", condition=~Q(state="SEALED")),
            models.Index(fields=["upload"], name="merchants_batch_of_upload", condition=Q(upload__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.number)


class BatchIssue(models.Model):
    """One row of a batch that was not stored: rejected, or in conflict with what is stored. Append-only.

    A conflict shows both versions, a rejection what was sent, where that is a row at all; `line` is the row's place in
    what was sent, the header not counted.
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="issues", db_index=False)
    line = models.IntegerField()
    kind = models.CharField(max_length=8, choices=choices(IssueKind))
    reason = models.CharField(max_length=20)
    external_id = models.CharField(max_length=200)
    detail = models.CharField(max_length=200)
    stored = models.JSONField(null=True)
    received = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_batchissue_line_once", fields=["batch", "line"]),
            known("kind", IssueKind, name="merchants_batchissue_kind_known"),
            models.CheckConstraint(
                name="merchants_batchissue_conflict_shows_both",
                condition=Q(kind="CONFLICT", stored__isnull=False, received__isnull=False)
                | Q(kind="REJECTED", stored__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.line}"


class StagedRow(models.Model):
    """One valid row between its receipt and the sealing of its batch, which deletes it."""

    pk = models.CompositePrimaryKey("batch_id", "line")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    line = models.IntegerField()
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    external_id = models.CharField(max_length=100)
    order_ref = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()
    day = models.IntegerField()
    amount_minor = models.BigIntegerField()
    buyer = models.BigIntegerField(null=True)
    value = models.SmallIntegerField(null=True)
    channel = models.CharField(max_length=40)
    corrects = models.CharField(max_length=100, db_default="")
    recorded_day = models.IntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.line}"
