"""What one person asks another to approve."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet


class RequestState(StrEnum):
    """The states of a request: one that is approved was carried out at once."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


OPEN, WITHDRAWN = RequestState.OPEN.value, RequestState.WITHDRAWN.value


class ApprovalRequestQuerySet(LockingQuerySet["ApprovalRequest"]):
    def waiting(self, now: datetime) -> Self:
        """Keep those that can still be approved."""
        return self.filter(state=OPEN, expires_at__gt=now)

    def about(self, *subjects: str) -> Self:
        return self.filter(subject__in=subjects)


class ApprovalRequest(models.Model):
    """A verb that one person asks for, and another approves or rejects.

    verb: as `lending.loan.refund`. subject: the row it is about, as `lending.loan:33`; "" for a verb of a list.
    entered: the fields of the verb's form, as they were sent. digest: of exactly what would be done, by which the
    operation knows it again. signature: by which the database knows the application; it is never kept. The application
    may update how it was decided, and nothing else.
    """

    verb = models.CharField(max_length=120)
    subject = models.CharField(max_length=80)
    entered = models.JSONField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=choices(RequestState), default=OPEN)
    requested_by = models.CharField(max_length=40)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)  # noqa: DJ001 - unknown until someone did
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, default="")
    signature = models.TextField(null=True)  # noqa: DJ001 - null, as it is kept

    objects = ApprovalRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        permissions = [
            ("decide_approvalrequest", "Can approve or reject what others ask for"),
            ("grant_role", "Can give roles to accounts"),
            ("approve_role", "Can approve that a role is given"),
        ]
        indexes = [
            models.Index(fields=["subject"], name="office_request_open", condition=Q(state=OPEN)),
        ]
        constraints = [
            known("state", RequestState, name="office_approvalrequest_state_known"),
            models.CheckConstraint(
                name="office_approvalrequest_decided_by_whom_and_when",
                condition=Q(state=OPEN, decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state=OPEN) & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="office_approvalrequest_four_eyes",
                condition=Q(decided_by__isnull=True)
                | (Q(state=WITHDRAWN) & Q(decided_by=F("requested_by")))
                | (~Q(state=WITHDRAWN) & ~Q(decided_by=F("requested_by"))),
            ),
            models.UniqueConstraint(
                name="office_approvalrequest_open_once", fields=["digest"], condition=Q(state=OPEN)
            ),
        ]

    def __str__(self) -> str:
        return f"approval_{self.pk}"
