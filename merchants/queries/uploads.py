"""What became of uploaded files."""

from collections.abc import Iterable

from django.db.models import Count

from merchants.models import Batch, FeedUpload
from merchants.models.batch import BatchState


def batches_being_stored(uploads: Iterable[FeedUpload]) -> dict[int, int]:
    """Count, by upload, the batches whose rows are received and not stored yet; an upload without any is left out.

    An open batch does not count: a worker that died left it empty, and its rows come again in another.
    """
    staged = Batch.objects.filter(upload__in=uploads, state=BatchState.STAGED)
    return dict(staged.values_list("upload").annotate(batches=Count("pk")).order_by())
