"""Files that staff uploaded in the office."""

from enum import StrEnum

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from merchants.models.partner import Partner


class UploadState(StrEnum):
    """The states of an uploaded file: waits for a worker or is being read, every row received, unreadable."""

    WAITING = "WAITING"
    READ = "READ"
    UNREADABLE = "UNREADABLE"


class FeedUploadQuerySet(LockingQuerySet["FeedUpload"]):
    """Uploads, lockable."""


class FeedUpload(models.Model):
    """A file of transactions. It is kept, under `key`, until it is read; its rows are those of its batches."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="uploads")
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=60)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=choices(UploadState), default=UploadState.WAITING.value)
    failure = models.CharField(max_length=300, blank=True)
    uploaded_by = models.CharField(max_length=40)
    uploaded_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = FeedUploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        permissions = [("upload_feed", "Can upload a file of transactions")]
        constraints = [
            known("state", UploadState, name="merchants_feedupload_state_known"),
            models.CheckConstraint(
                name="merchants_feedupload_finished_when",
                condition=Q(state="WAITING", finished_at__isnull=True)
                | (~Q(state="WAITING") & Q(finished_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name
