"""What merchants have left on their platform, from which the loopback gateway collects."""

from django.db.models import Sum

from config.kernel.calendar import day_number
from config.office.business_date import get_business_date
from lending.domain.books.transfer import TransferKind
from lending.models import Transfer
from merchants.queries.batches import known_now
from scoring.domain.features.relations import balances
from scoring.queries.measures import Known, measure
from scoring.queries.references import members_of_market


def running_balance(merchant_id: int) -> int:
    """Return what the platform holds for a merchant before the business date, less what was collected from it.

    Minor units; 0 before the first business date.
    """
    today = get_business_date()
    if today is None:
        return 0
    known = Known(as_of_day=day_number(today), watermark=known_now())
    found = measure(balances, members=members_of_market([merchant_id]), known=known)
    balance: int = found[0][1] if found else 0
    collected = Transfer.objects.filter(loan__merchant=merchant_id, kind=TransferKind.COLLECTION)
    return balance - int(collected.aggregate(moved=Sum("moved_minor", default=0))["moved"])
