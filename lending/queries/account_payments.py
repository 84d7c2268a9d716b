"""Read the payout account that a line of a statement is a test payment of."""

from zoneinfo import ZoneInfo

from django.conf import settings

from config.kernel.calendar import business_day
from lending.domain.books.account_payment import PaymentRefusal, judge_payment, named_account
from lending.models import StatementLine
from merchants.models import PayoutAccount


def account_of_payment(line: StatementLine) -> PayoutAccount | None:
    """Get the account that a line names, with its merchant."""
    named = named_account(line.words, line.reference)
    return PayoutAccount.objects.select_related("merchant").filter(pk=named or 0).first()


def get_payment_refusal(line: StatementLine, account: PayoutAccount | None) -> PaymentRefusal | None:
    """Decide whether a line shows that the account it names is its merchant's."""
    if account is None:
        return PaymentRefusal.ACCOUNT_UNKNOWN
    return judge_payment(
        is_booked=line.contra_id is not None,
        amount_minor=line.amount_minor,
        booked_on=line.booked_on,
        number=line.number,
        name=line.name,
        entered_on=business_day(account.entered_at, ZoneInfo(settings.BUSINESS_TIME_ZONE)),
        entered_number=account.number,
        holder=account.holder,
    )
