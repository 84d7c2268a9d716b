"""When the scheduler was last heard of."""

from django.db import models
from django.db.models import Q


class Heartbeat(models.Model):
    """The single row that a worker writes whenever the scheduler asks for it; none before the first time."""

    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="office_heartbeat_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return self.at.isoformat()
