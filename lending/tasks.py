"""Move money and close days: each task claims, asks a gateway where there is one, and records."""

from datetime import date, timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config.db.transactions import Contended
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.job_runs import Claim, Clock, report_progress, run_job
from lending.domain.books.day_close import ACCRUE, COLLECT, PROVE, VERIFY
from lending.domain.books.transfer import OPEN_TRANSFERS, TransferKind
from lending.domain.origination.offer_round import MAKE_OFFERS
from lending.gateways.transfers import Breaker, Loopback
from lending.operations.day_close import (
    DayNotClosed,
    accrue_part,
    close_day,
    finish_collecting,
    prove_books,
    verify_part,
)
from lending.operations.offers import RoundNotStarted, expire_offers, make_offers, start_round
from lending.operations.transfers import (
    PAY_OUT,
    PayoutHeld,
    claim_collection,
    claim_payout,
    leave_collection,
    record_collection,
    record_payout,
)
from lending.queries.balances import running_balance
from lending.queries.closes import day_of
from lending.queries.transfers import is_gateway_down, loans_due, stale_transfers

DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


def gateway() -> Breaker | None:
    """Make the gateway that stands in for a bank; None where the office has none, and money waits."""
    directory = settings.LOOPBACK_DIR
    return None if directory is None else Breaker(Loopback(directory=directory, balance_of=running_balance))


@shared_task(name=PAY_OUT)
def pay_out(transfer_id: int) -> None:
    """Pay a loan out: claim, send, record; sent again, it asks what became of it."""
    bank = gateway()
    if bank is None or is_gateway_down():  # the sweep finds it
        log.warning("payout_left", transfer_id=transfer_id, has_gateway=bank is not None)
    else:
        _pay(bank, transfer_id=transfer_id)


@shared_task(name="lending.settle_transfers")
def settle_transfers() -> None:
    """Pay out what waits, and ask for what has no answer."""
    bank, today = gateway(), get_business_date()
    if bank is None or today is None:
        return
    if is_gateway_down():
        bank.give_one_more()
    for transfer in stale_transfers(now=timezone.now()):
        if bank.is_down:
            break
        try:
            if transfer.kind == TransferKind.PAYOUT:
                _pay(bank, transfer_id=transfer.pk)
            else:
                _collect(bank, loan_id=transfer.loan_id, to=today - DAY, clock=timezone.now)
        except Exception:
            log.exception("transfer_failed", transfer_id=transfer.pk)


@shared_task(name=COLLECT)
def collect(job_id: int) -> None:
    """Collect what the loans of one part owe on the day that is closed."""
    run_job(job_id, collect_part)


@shared_task(name=ACCRUE)
def accrue(job_id: int) -> None:
    """Book what the loans of one part earned."""
    run_job(job_id, accrue_part)


@shared_task(name=VERIFY)
def verify(job_id: int) -> None:
    """Compare the loans of one part with their events."""
    run_job(job_id, verify_part)


@shared_task(name=PROVE)
def prove(job_id: int) -> None:
    """Compare the ledger with the loans."""
    run_job(job_id, prove_books)


@shared_task(name=MAKE_OFFERS)
def offer(job_id: int) -> None:
    """Make the offers of one part of the merchants."""
    run_job(job_id, make_offers)


@shared_task(name="lending.start_due_round")
def start_due_round() -> None:
    """Make offers from the live run, unless they are made, and close those that expired."""
    on = get_business_date()
    if on is not None:
        expire_offers(on=on, now=timezone.now())
    try:
        start_round(actor=SYSTEM, now=timezone.now())
    except (RoundNotStarted, Contended):
        return  # another fire of the beat was faster, or there is nothing to offer


@shared_task(name="lending.close_due_day")
def close_due_day() -> None:
    """Close the oldest day that is not closed, unless there is none or a closing works."""
    try:
        close_day(actor=SYSTEM, now=timezone.now())
    except (DayNotClosed, Contended):
        return


def collect_part(*, claim: Claim, clock: Clock) -> None:
    """Claim, send and record loan by loan: what is done stays done, whoever takes over. Raises StaleRow."""
    bank, on = gateway(), day_of(close_id=claim.subject_id)
    if bank is None:
        finish_collecting(claim=claim, done=0, now=clock())
        return
    loans = loans_due(close_id=claim.subject_id, part=claim.part)
    for done, loan_id in enumerate(loans):
        report_progress(claim=claim, done=done, total=len(loans), now=clock())
        try:
            _collect(bank, loan_id=loan_id, to=on, clock=clock)
        except Contended:  # somebody works on this loan: the next close asks again, and the others do not wait
            log.warning("collection_left", loan_id=loan_id)
    finish_collecting(claim=claim, done=len(loans), now=clock())


def _pay(bank: Breaker, *, transfer_id: int) -> None:
    """Pay a loan out, unless something holds the payout back."""
    try:
        claimed = claim_payout(transfer_id=transfer_id, now=timezone.now())
    except PayoutHeld as held:
        log.warning("payout_held", transfer_id=transfer_id, reason=held.reason)
        return
    if claimed is not None:
        record_payout(transfer_id=transfer_id, answer=bank.pay(claimed.order), now=timezone.now())


def _collect(bank: Breaker, *, loan_id: int, to: date, clock: Clock) -> None:
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
