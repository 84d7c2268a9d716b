"""Requests that were done, and their results."""

from django.db import models
from django.db.models import Q

from merchants.domain.idempotency import LONGEST_KEY
from merchants.models.partner import Partner


class KeptRequest(models.Model):
    """A partner's request that was done, under its key, written in the transaction of its effect.

    `result` is the id of what it created: a repeated request is answered from it.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY)
    digest = models.CharField(max_length=64)
    result = models.BigIntegerField()
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_keptrequest_once", fields=["partner", "key"]),
            models.CheckConstraint(name="merchants_keptrequest_digest", condition=Q(digest__regex="^[0-9a-f]{64}$")),
        ]
        indexes = [models.Index(fields=["kept_at"], name="merchants_keptrequest_by_time")]

    def __str__(self) -> str:
        return self.key
