"""What became of uploaded files."""

from collections.abc import Iterable

from django.db.models import Count, Sum

from merchants.models import Batch, FeedUpload
from merchants.models.batch import BatchState

COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected")


def counts_of(upload: FeedUpload) -> dict[str, int]:
    """Sum the counts of the file's batches; those that are not sealed yet have received rows only."""
    found = Batch.objects.filter(upload=upload).aggregate(*(Sum(name, default=0) for name in COUNTS))
    return {name: found[f"{name}__sum"] for name in COUNTS}


def last_batches_of(upload: FeedUpload, *, limit: int) -> list[Batch]:
    """List the file's last batches, the newest first."""
    return list(Batch.objects.filter(upload=upload).order_by("-number")[:limit])


def batches_being_stored(uploads: Iterable[FeedUpload]) -> dict[int, int]:
    """Count, by upload, the batches whose rows are received and not stored yet; an upload without any is left out.

    An open batch does not count: a worker that died left it empty, and its rows come again in another.
    """
    staged = Batch.objects.filter(upload__in=uploads, state=BatchState.STAGED)
    return dict(staged.values_list("upload").annotate(batches=Count("pk")).order_by())
