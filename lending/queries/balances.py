"""What merchants have left on their platform, from which the loopback gateway collects."""

from django.db.models import Sum

from config.kernel.calendar import day_number
from config.office.business_date import get_business_date
from lending.domain.books.transfer import TransferKind
from lending.models import Transfer
from merchants.queries.batches import known_now
from merchants.queries.partitions import get_partition
from scoring.queries.measures import Known, measure_balance
from scoring.queries.references import members_of_market


def running_balance(merchant_id: int) -> int:
    """Return what the platform holds for a merchant before the business date, less what was collected from it.

    Minor units; 0 before the first business date.
    """
    today = get_business_date()
    if today is None:
        return 0
    member = members_of_market([merchant_id])
    balance = measure_balance(
        members=member.select,
        parameters=member.parameters,
        known=Known(as_of_day=day_number(today), watermark=known_now()),
        partition=get_partition(merchant_id=merchant_id),
    )
    collected = Transfer.objects.filter(loan__merchant=merchant_id, kind=TransferKind.COLLECTION)
    return balance - int(collected.aggregate(moved=Sum("moved_minor", default=0))["moved"])
