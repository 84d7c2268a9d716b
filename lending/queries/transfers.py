"""Read transfers: what has to be sent, what waits for an answer."""

from datetime import date, datetime
from itertools import zip_longest

from django.db.models import Exists, OuterRef, Q

from config.office.business_date import get_business_date
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    SILENCES,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferKind,
    TransferState,
    judge_payout_retry,
    judge_return,
)
from lending.models import DayClose, Loan, Transfer

AT_ONCE = 500


def stale_transfers(*, now: datetime) -> list[Transfer]:
    """List in turns what was never sent and what is to be asked for again, so that none of them waits for all others.

    What was never sent in no order: what is held, and stays so, keeps nobody waiting. What has no answer the least
    often asked first, as it is likelier told.
    """
    never_sent = Transfer.objects.filter(state=TransferState.DUE).order_by("?")
    turns = zip_longest(
        never_sent.filter(kind=TransferKind.PAYOUT)[:AT_ONCE],
        never_sent.filter(kind=TransferKind.COLLECTION)[:AT_ONCE],
        Transfer.objects.unanswered(now).order_by("attempts", "sent_at")[:AT_ONCE],
    )
    return [transfer for turn in turns for transfer in turn if transfer is not None]


def is_gateway_down() -> bool:
    """Say whether none of the last orders had an answer; those under way do not count."""
    sent = Transfer.objects.filter(sent_at__isnull=False).exclude(state=TransferState.SENT)
    states = list(sent.order_by("-sent_at").values_list("state", flat=True)[:SILENCES])
    return states == [TransferState.UNKNOWN] * SILENCES


def get_retry_refusal(loan: Loan, *, reason: str) -> PayoutRetryRefusal | None:
    """Judge whether a loan may be paid out again: not while a payout waits or is under way."""
    under_way = Transfer.objects.open().filter(loan=loan, kind=TransferKind.PAYOUT).exists()
    return judge_payout_retry(status=LoanStatus(loan.status), under_way=under_way, reason=reason)


def get_cancel_refusal(loan: Loan, *, reason: str) -> PayoutRetryRefusal | None:
    """Judge whether a loan may be given up: not once its money may have left."""
    payouts = Transfer.objects.open().filter(loan=loan, kind=TransferKind.PAYOUT)
    under_way = payouts.exclude(state=TransferState.DUE).exists()
    return judge_payout_retry(status=LoanStatus(loan.status), under_way=under_way, reason=reason)


def last_payout(loan: Loan) -> Transfer | None:
    """Get the payout that disbursed the loan, while it stands."""
    return Transfer.objects.filter(loan=loan, kind=TransferKind.PAYOUT, state=TransferState.DONE).order_by("pk").last()


def get_return_refusal(
    loan: Loan,
    *,
    payout: Transfer | None = None,
    on: date | None = None,
    reason: str = "to be given",
    seen: int | None = None,
) -> ReturnRefusal | None:
    """Judge whether a payout may be taken back as of a date; by default the last one that stands, as of today."""
    payout, today = payout or last_payout(loan), get_business_date()
    if payout is None:
        return ReturnRefusal.NOT_PAID_OUT
    collections = Transfer.objects.open().filter(loan=loan, kind=TransferKind.COLLECTION)
    return judge_return(
        kind=TransferKind(payout.kind),
        state=TransferState(payout.state),
        collecting=collections.exclude(state=TransferState.DUE).exists(),
        today=today,
        on=on or today or payout.on,
        sent_on=payout.on,
        reason=reason,
        seen=seen,
        events=loan.events.count(),
    )


def loans_due(*, close_id: int, part: int) -> list[int]:
    """List the loans of a part of a closing on which something may be due on its day; the claim tells exactly.

    Also those of whose last collection nobody knows what became, whether or not they owe anything since: last, as
    their bank may be silent again.
    """
    close = DayClose.objects.get(pk=close_id)
    owing = Loan.objects.active().owing(close.day).values("pk")
    unsettled = Exists(Transfer.objects.open().filter(kind=TransferKind.COLLECTION, loan=OuterRef("pk")))
    loans = Loan.objects.of_part(part, close.parts).annotate(is_unsettled=unsettled)
    asked = loans.filter(Q(pk__in=owing) | Q(is_unsettled=True)).order_by("is_unsettled", "pk")
    return list(asked.values_list("pk", flat=True))
