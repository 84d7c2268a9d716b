"""Read what merchants have left on their platform: what the loopback gateway collects from."""

from django.db.models import BigIntegerField, Case, F, Q, Sum, Value, When

from config.kernel.calendar import day_number
from config.office.business_date import get_business_date
from lending.domain.books.transfer import TransferKind
from lending.models import Transfer
from merchants.domain.transaction import Settlement, TransactionKind
from merchants.models import Merchant, Transaction

PAID_IN = {Settlement.ESCROW: TransactionKind.SETTLEMENT, Settlement.IMMEDIATE: TransactionKind.SALE}
TAKEN_OUT = [TransactionKind.REFUND, TransactionKind.CHARGEBACK, TransactionKind.FEE, TransactionKind.PAYOUT]


def running_balance(merchant_id: int) -> int:
    """Add up what a merchant was credited and paid out up to the business date, less what was collected from it.

    Minor units. Credited: settlements under ESCROW, sales under IMMEDIATE, and deposits.
    """
    merchant = Merchant.objects.select_related("partner").get(pk=merchant_id)
    paid_in = [PAID_IN[Settlement(merchant.partner.settlement)], TransactionKind.DEPOSIT]
    history = Transaction.objects.filter(merchant=merchant, superseded_in__isnull=True)
    today = get_business_date()
    if today is not None:
        history = history.filter(day__lt=day_number(today))
    sign = Case(
        When(kind__in=paid_in, then=F("amount_minor")),
        When(kind__in=TAKEN_OUT, then=-F("amount_minor")),
        default=Value(0),
        output_field=BigIntegerField(),
    )
    balance = history.aggregate(balance=Sum(sign, default=0))["balance"]
    collected = Transfer.objects.filter(Q(loan__merchant=merchant), kind=TransferKind.COLLECTION)
    return int(balance) - int(collected.aggregate(moved=Sum("moved_minor", default=0))["moved"])
