"""Versions of business calendars, as immutable hashed data."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CalendarVersion(models.Model):
    """The business days of some years as canonical JSON, identified by its hash. Append-only.

    The last entered of a name counts for new loans; a loan keeps in its terms the one that it was made with. source:
    the library with its version, or the name of the file.
    """

    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=40)
    first_year = models.SmallIntegerField()
    last_year = models.SmallIntegerField()
    content = models.TextField()
    source = models.CharField(max_length=200)
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("calendar")
        constraints = [
            models.CheckConstraint(name="lending_calendarversion_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.first_year} – {self.last_year}"  # noqa: RUF001
