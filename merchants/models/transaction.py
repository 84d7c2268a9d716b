"""Transactions: what every merchant sold, settled, refunded, paid out."""

from django.db import models
from django.db.models import Q

from config.db.choices import choices, known
from merchants.domain.transaction import NO_AMOUNT, TransactionKind
from merchants.models.batch import Batch
from merchants.models.merchant import Merchant

NO_AMOUNT_KINDS = sorted(kind.value for kind in NO_AMOUNT)
PARTITIONS = 32


class Transaction(models.Model):
    """One event, hash-partitioned by merchant. Append-only, but for `superseded_in`, set once.

    A correction is a row with an id of its own; `superseded_in` is the batch that replaced a row, which counts up to
    that batch's sealing, and in whatever was known before it. So an external id names one row for good.
    `recorded_day` is when the partner recorded it, where its feed says so.

    The database's key is `(merchant_id, id)`: always filter by merchant too, or all partitions are searched.
    Foreign keys have no constraint, so that partitions can move to a distributed database.
    """

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    external_id = models.CharField(max_length=100)
    order_ref = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=choices(TransactionKind))
    occurred_at = models.DateTimeField()
    day = models.IntegerField()
    amount_minor = models.BigIntegerField()
    buyer = models.BigIntegerField(null=True)
    value = models.SmallIntegerField(null=True)
    channel = models.CharField(max_length=40)
    corrects = models.CharField(max_length=100, db_default="")
    recorded_day = models.IntegerField(null=True)
    superseded_in = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_transaction_id_once", fields=["merchant", "external_id"]),
            known("kind", TransactionKind, name="merchants_transaction_kind_known"),
            models.CheckConstraint(
                name="merchants_transaction_amount_sign",
                condition=Q(kind__in=NO_AMOUNT_KINDS, amount_minor=0)
                | (~Q(kind__in=NO_AMOUNT_KINDS) & Q(amount_minor__gt=0)),
            ),
        ]
        indexes = [models.Index(fields=["merchant", "occurred_at"], name="merchants_transaction_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"
