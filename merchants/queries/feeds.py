"""Sales by day over all feeds."""

from django.db.models import Count

from merchants.domain.transaction import TransactionKind
from merchants.models import Transaction


def sales_by_day() -> dict[int, int]:
    """Count the SALE rows of each day, over all partners."""
    sales = Transaction.objects.filter(kind=TransactionKind.SALE)
    return dict(sales.values_list("day").annotate(Count("pk")).order_by())
