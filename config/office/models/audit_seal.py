"""The seals of the audit trail."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class AuditSeal(models.Model):
    """The digest of a range of events, chained with the seal before it. A trigger refuses UPDATE and DELETE.

    after_event, last_event: the range of ids, without the first and with the last. bounded_at: no event after the range
    was recorded before this moment; None if that is not known. Both moments are by the database's clock.
    """

    after_event = models.BigIntegerField()
    last_event = models.BigIntegerField()
    events = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    bounded_at = models.DateTimeField(null=True)
    sealed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit seal")
        constraints = [
            # Two seals that follow the same one would be two histories.
            models.UniqueConstraint(name="office_auditseal_follows_once", fields=["after_event"]),
            models.CheckConstraint(
                name="office_auditseal_range", condition=Q(after_event__gte=0, last_event__gt=F("after_event"))
            ),
            models.CheckConstraint(name="office_auditseal_events_counted", condition=Q(events__gte=0)),
            models.CheckConstraint(name="office_auditseal_digest", condition=Q(digest__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return f"seal_{self.pk}"


class AuditProgress(models.Model):
    """The single row that says how far sealing is; none before the first time.

    upto: the last id that was drawn at bounded_at; sealed once every transaction numbered below begun_before has ended.
    written: the last seal that was also written to a file.
    """

    upto = models.BigIntegerField()
    begun_before = models.BigIntegerField()
    bounded_at = models.DateTimeField()
    written = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="office_auditprogress_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"up to {self.upto}"
