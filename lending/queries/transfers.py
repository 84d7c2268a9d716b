"""Read transfers: what has to be sent, what waits for an answer."""

from datetime import datetime

from lending.domain.transfer import TransferKind
from lending.models import DayClose, Loan, Transfer

AT_ONCE = 500


def stale_payouts(*, now: datetime) -> list[int]:
    """List the payouts that may be sent, or asked for, the oldest first."""
    payouts = Transfer.objects.sendable(now).filter(kind=TransferKind.PAYOUT)
    return list(payouts.order_by("made_at").values_list("pk", flat=True)[:AT_ONCE])


def loans_due(*, close_id: int, part: int) -> list[int]:
    """List the loans of a part of a closing on which something may be due on its day; the claim tells exactly."""
    close = DayClose.objects.get(pk=close_id)
    loans = Loan.objects.active().of_part(part, close.parts).owing(close.day)
    return list(loans.order_by("pk").values_list("pk", flat=True))
