"""What policies have in common: versions of a document."""

from django.db import models
from django.db.models import Q


class PolicyVersion(models.Model):
    """One version of a policy as canonical JSON, identified by its hash. Append-only; the last entered is in force."""

    sha256 = models.CharField(max_length=64, unique=True)
    version = models.IntegerField(unique=True)
    content = models.TextField()
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(name="%(app_label)s_%(class)s_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return str(self.version)
