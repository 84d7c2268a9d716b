"""Closes of months: from then on nothing is booked with a date in them."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class MonthClose(models.Model):
    """A month whose books are closed, for good, and its trial balance as canonical JSON. Append-only.

    month: its first day. The database refuses entries with an effective date in it or before, and further postings of
    those that there are. approved_by: "" where nobody had to.
    """

    month = models.DateField(unique=True)
    content = models.TextField()
    sha256 = models.CharField(max_length=64)
    closed_by = models.CharField(max_length=40)
    approved_by = models.CharField(max_length=40, blank=True)
    closed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("closed month")
        permissions = [("approve_monthclose", "Can approve that a month is closed")]
        constraints = [
            models.CheckConstraint(name="lending_monthclose_first", condition=Q(month__day=1)),
            models.CheckConstraint(name="lending_monthclose_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(name="lending_monthclose_four_eyes", condition=~Q(closed_by=F("approved_by"))),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
