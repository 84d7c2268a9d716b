"""Collect through a gateway what loans owe: claim, ask, record, loan by loan."""

from datetime import date, timedelta

import structlog
from django.conf import settings

from config.db.transactions import Contended
from config.office.job_runs import Claim, Clock, report_progress
from lending.domain.books.transfer import OPEN_TRANSFERS
from lending.gateways.transfers import Breaker, Loopback
from lending.models import DayClose
from lending.operations.transfers import claim_collection, leave_collection, record_collection
from lending.queries.balances import running_balance
from lending.queries.transfers import loans_due

DAY = timedelta(days=1)
log = structlog.get_logger(__name__)


def office_gateway() -> Breaker | None:
    """Make the gateway that stands in for a bank; None where the office has none, and money waits."""
    directory = settings.LOOPBACK_DIR
    return None if directory is None else Breaker(Loopback(directory=directory, balance_of=running_balance))


def collect_dues(bank: Breaker | None, *, claim: Claim, clock: Clock) -> int:
    """Collect what the loans of a part of a closing owe on its day; return how many were asked. Raises StaleRow."""
    if bank is None:
        return 0
    on = DayClose.objects.get(pk=claim.subject_id).day
    loans = loans_due(close_id=claim.subject_id, part=claim.part)
    for done, loan_id in enumerate(loans):
        report_progress(claim=claim, done=done, total=len(loans), now=clock())
        try:
            collect_loan(bank, loan_id=loan_id, to=on, clock=clock)
        except Contended:  # somebody works on this loan: the next close asks again, and the others do not wait
            log.warning("collection_left", loan_id=loan_id)
    return len(loans)


def collect_loan(bank: Breaker, *, loan_id: int, to: date, clock: Clock) -> None:
    """Collect what is due on a date; where an earlier collection is open, first that, then each day since.

    While the bank is down, what is due is written down only: the sweep collects it for its date.
    """
    on = to
    while on <= to:
        if bank.is_down:
            leave_collection(loan_id=loan_id, on=on, now=clock())
            return
        claimed = claim_collection(loan_id=loan_id, on=on, now=clock())
        if claimed is None:
            on += DAY
            continue
        answer = bank.collect(claimed.order)
        settled = record_collection(transfer_id=claimed.transfer_id, answer=answer, now=clock())
        if settled.state in OPEN_TRANSFERS:
            return
        on = settled.on + DAY
