"""The business date."""

from django.db import models
from django.db.models import Q

from config.db.locking import LockingQuerySet


class BusinessDate(models.Model):
    """The single row with the open business day; none before the office opens its first."""

    current = models.DateField()

    objects = LockingQuerySet["BusinessDate"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="office_businessdate_one_row", condition=Q(pk=1)),
        ]

    def __str__(self) -> str:
        return self.current.isoformat()
