"""The audit trail: what was done, and by whom."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OperationEvent(models.Model):
    """One committed operation. A trigger refuses UPDATE and DELETE.

    booked_at: as the operation has it. recorded_at: by the database's clock, whatever the application writes; None of
    events before it was kept. amount_minor, currency: of the money that it is about. address: of whoever sent the
    request that was being answered; None of what this system does by itself. signature: by which the database knows the
    application; it is never kept.
    """

    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    # A text, not a foreign key: partners and this system act too, and an event outlives every account.
    actor = models.CharField(max_length=40)
    before = models.JSONField()
    after = models.JSONField()
    booked_at = models.DateTimeField()
    recorded_at = models.DateTimeField(null=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001 - null, as its amount: see config/office/seals.py
    address = models.GenericIPAddressField(null=True)
    # A text, as Django inserts many rows with bytes much slower.
    signature = models.TextField(null=True)  # noqa: DJ001 - null, as it is kept

    class Meta:
        verbose_name = _("event")
        indexes = [models.Index(fields=["subject", "id"], name="office_event_by_subject")]
        constraints = [
            models.CheckConstraint(
                name="office_operationevent_name_dotted",
                condition=Q(name__regex=r"^[a-z]+\.[a-z_]+$"),
            ),
            models.CheckConstraint(
                name="office_operationevent_actor_known",
                condition=Q(actor__regex=r"^(staff|partner|system):[0-9]+$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject}"
