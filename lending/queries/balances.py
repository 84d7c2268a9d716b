"""What merchants have left on their platform: what the loopback gateway collects from, and instalments are paid of."""

from collections.abc import Collection, Sequence

from django.db.models import Sum

from config.kernel.calendar import day_number
from config.office.business_date import get_business_date
from lending.domain.books.transfer import TransferKind
from lending.gateways.registry import LOOPBACK
from lending.models import Transfer
from merchants.queries.batches import known_now
from scoring.domain.features.relations import balance_moves as moves_of_balances
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
    return running_balances([merchant_id], known=known).get(merchant_id, 0)


def running_balances(
    merchants: Collection[int], *, known: Known, partitions: Sequence[int] | None = None
) -> dict[int, int]:
    """Return the same of many, as known; without those of whom nothing is. partitions: those that hold them all."""
    if not merchants:
        return {}
    found = dict(measure(balances, members=members_of_market(list(merchants)), known=known, partitions=partitions))
    # What a bank debits is not the platform's, and what the platform withholds it sends as rows.
    of_loopback = Transfer.objects.filter(kind=TransferKind.COLLECTION, gateway=LOOPBACK)
    collected = of_loopback.filter(loan__merchant__in=merchants)
    for merchant, moved in collected.values_list("loan__merchant").annotate(moved=Sum("moved_minor", default=0)):
        found[merchant] = found.get(merchant, 0) - int(moved)
    return found


def balance_moves(merchants: Collection[int], *, known: Known) -> dict[int, dict[int, int]]:
    """Return by how much the balance of each of many merchants moved, by day number; minor units.

    Of a whole market, at leisure.
    """
    found: dict[int, dict[int, int]] = {}
    for merchant, d, minor in measure(moves_of_balances, members=members_of_market(list(merchants)), known=known):
        found.setdefault(merchant, {})[known.as_of_day - 1 - d] = minor
    return found
