"""Files that staff keep about a row."""

from hashlib import sha256
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.encryption import TextUnreadable, environment_keys
from config.db.locking import LockingQuerySet
from config.office.document_kinds import LARGEST, LONGEST_NAME, DocumentKind


def owner_of_document(digest: str, about: str) -> str:
    """Name whose the bytes are: as another file's, or another row's, they cannot be decrypted."""
    return f"document {digest} of {about}"


class DocumentQuerySet(LockingQuerySet["Document"]):
    def standing(self) -> Self:
        return self.filter(withdrawn_at__isnull=True)

    def without_content(self) -> Self:
        return self.defer("sealed_content")


class Document(models.Model):
    """A file about a row, byte for byte, and encrypted. about: the row, like `lending.loan:33`.

    name: made harmless. size: in bytes. sha256: of the file. What is withdrawn is kept, and handed out to
    few.
    """

    about = models.CharField(max_length=80)
    name = models.CharField(max_length=LONGEST_NAME)
    kind = models.CharField(max_length=4, choices=choices(DocumentKind))
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    # The file, readable as `content`: encrypted, and under which key.
    sealed_content = models.BinaryField()
    content_key = models.CharField(max_length=20)
    added_by = models.CharField(max_length=40)
    added_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=40, default="")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=500, default="")

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        permissions = [("view_withdrawn_document", "Can open documents that were withdrawn")]
        indexes = [models.Index(fields=["about", "id"], name="office_document_by_subject")]
        constraints = [
            known("kind", DocumentKind, name="office_document_kind_known"),
            models.CheckConstraint(name="office_document_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(name="office_document_size", condition=Q(size__gt=0, size__lte=LARGEST)),
            models.CheckConstraint(
                name="office_document_withdrawn_by_whom_and_why",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="", withdrawn_why="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="") & ~Q(withdrawn_why="")),
            ),
            models.UniqueConstraint(
                name="office_document_once", fields=["about", "sha256"], condition=Q(withdrawn_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def content(self) -> bytes:
        """The file, whose hash is compared again. Raises KeyMissing, TextUnreadable."""
        owner = owner_of_document(self.sha256, self.about)
        content = environment_keys().open(self.content_key, bytes(self.sealed_content), owner=owner)
        if sha256(content).hexdigest() != self.sha256:
            raise TextUnreadable(owner)
        return content


def sealed_document(content: bytes, *, about: str) -> dict[str, Any]:
    """Return the columns of a document's content, of its size and of its hash."""
    digest, keys = sha256(content).hexdigest(), environment_keys()
    return {
        "size": len(content),
        "sha256": digest,
        "content_key": keys.current,
        "sealed_content": keys.seal(content, owner=owner_of_document(digest, about)),
    }
