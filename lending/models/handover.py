"""Cases of arrears that an agency outside collects."""

from hashlib import sha256
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.locking import LockingQuerySet
from lending.models.arrears import ArrearsCase
from merchants.models.payout_account import account_keys


class CaseHandoverQuerySet(LockingQuerySet["CaseHandover"]):
    def open(self) -> Self:
        return self.filter(ended_on__isnull=True)


class CaseHandover(models.Model):
    """The time in which an agency collects a case, and the file that it got: encrypted, as it tells how to reach them.

    on, ended_on: business dates. sha256: of the file. ended_by: who took the case back, with the reason, or the system
    once nothing was past due.
    """

    case = models.ForeignKey(ArrearsCase, on_delete=models.PROTECT, related_name="handovers", db_index=False)
    agency = models.CharField(max_length=100)
    on = models.DateField()
    handed_by = models.CharField(max_length=40)
    approved_by = models.CharField(max_length=40)
    booked_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    # The file, readable as `content`: encrypted, and under which key.
    sealed_content = models.BinaryField()
    content_key = models.CharField(max_length=20)
    ended_on = models.DateField(null=True)
    ended_by = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = CaseHandoverQuerySet.as_manager()

    class Meta:
        verbose_name = _("hand-over")
        constraints = [
            models.CheckConstraint(name="lending_casehandover_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="lending_casehandover_four_eyes",
                condition=~Q(handed_by=F("approved_by")),
            ),
            models.CheckConstraint(
                name="lending_casehandover_ended_by_whom_and_when",
                condition=(Q(ended_on__gte=F("on")) & ~Q(ended_by="") & ~Q(reason=""))
                | Q(ended_on__isnull=True, ended_by="", reason=""),
            ),
            models.UniqueConstraint(
                name="lending_casehandover_one_open", fields=["case"], condition=Q(ended_on__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["case", "-id"], name="lending_casehandover_by_case")]

    def __str__(self) -> str:
        return f"handover_{self.pk}"

    @property
    def content(self) -> bytes:
        """The file. Raises KeyMissing, TextUnreadable."""
        return account_keys().open(self.content_key, bytes(self.sealed_content), owner=f"handover {self.sha256}")


def sealed_handover(content: bytes) -> dict[str, Any]:
    """Return the columns of a file's content, and of its hash."""
    digest, keys = sha256(content).hexdigest(), account_keys()
    sealed = keys.seal(content, owner=f"handover {digest}")
    return {"sha256": digest, "content_key": keys.current, "sealed_content": sealed}
