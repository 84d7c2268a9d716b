"""What became of uploaded files."""

from django.db.models import Sum

from merchants.models import Batch, FeedUpload

COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected")


def counts_of(upload: FeedUpload) -> dict[str, int]:
    """Sum the counts of the file's batches; those that are not sealed yet have received rows only."""
    found = Batch.objects.filter(upload=upload).aggregate(*(Sum(name, default=0) for name in COUNTS))
    return {name: found[f"{name}__sum"] for name in COUNTS}


def last_batches_of(upload: FeedUpload, *, limit: int) -> list[Batch]:
    """List the file's last batches, the newest first."""
    return list(Batch.objects.filter(upload=upload).order_by("-number")[:limit])
