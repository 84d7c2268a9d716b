"""Lists that staff asked for as files."""

from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet


class ExportState(StrEnum):
    """The states of an export: being written, its file can be fetched, it was not made, its file is removed."""

    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


WAITING, DONE, FAILED, EXPIRED = (state.value for state in ExportState)
UNWRITTEN = {"rows__isnull": True, "size__isnull": True, "expires_at__isnull": True}
WRITTEN = {"rows__isnull": False, "size__isnull": False, "expires_at__isnull": False}


class ListExportQuerySet(LockingQuerySet["ListExport"]):
    def of(self, actor: str) -> Self:
        """Keep those that somebody asked for."""
        return self.filter(requested_by=actor)

    def waiting(self) -> Self:
        return self.filter(state=WAITING)


class ListExport(models.Model):
    """A list as one person asked for it, and the file of its rows, which is kept under `key` while it is DONE.

    listed: the model of the list, as `lending.loan`. query: what its address asked for, as `ListOf.normal` writes it.
    size: bytes of the file. failure: a member of `ExportFailure`. authority: roles and rights by which its rows were
    shown, as `authority_of` returns them.
    """

    listed = models.CharField(max_length=80)
    query = models.CharField(max_length=2_000)
    requested_by = models.CharField(max_length=40)
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=choices(ExportState), default=WAITING)
    failure = models.CharField(max_length=20, default="")
    rows = models.BigIntegerField(null=True)
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, default="")
    authority = models.JSONField(default=list)
    key = models.CharField(max_length=60, default="")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = ListExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        permissions = [
            ("export_list", "Can export lists as files"),
            ("oversee_listexport", "Can view who exported what"),
        ]
        indexes = [models.Index(fields=["requested_by"], name="office_listexport_whose")]
        constraints = [
            known("state", ExportState, name="office_listexport_state_known"),
            models.CheckConstraint(
                name="office_listexport_finished_when",
                condition=Q(state=WAITING, finished_at__isnull=True)
                | (~Q(state=WAITING) & Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="office_listexport_failed_why",
                condition=(Q(state=FAILED) & ~Q(failure="")) | (~Q(state=FAILED) & Q(failure="")),
            ),
            models.CheckConstraint(
                name="office_listexport_written_when",
                condition=Q(state__in=[WAITING, FAILED], sha256="", **UNWRITTEN)
                | (Q(state__in=[DONE, EXPIRED], sha256__regex="^[0-9a-f]{64}$", **WRITTEN)),
            ),
            models.CheckConstraint(
                name="office_listexport_kept_when",
                condition=(Q(state=DONE) & ~Q(key="")) | (~Q(state=DONE) & Q(key="")),
            ),
            models.UniqueConstraint(
                name="office_listexport_waits_once",
                fields=["requested_by", "listed", "query"],
                condition=Q(state=WAITING),
            ),
        ]

    def __str__(self) -> str:
        return f"export_{self.pk}"
