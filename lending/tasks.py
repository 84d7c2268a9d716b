"""Move money and close days: each task claims, asks a gateway where there is one, and records."""

import structlog
from celery import shared_task
from django.utils import timezone

from config.db.transactions import Contended
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.stages import add_tasks
from lending.domain.books.transfer import TransferKind
from lending.gateways.transfers import Breaker
from lending.operations.collections import DAY, collect_loan, office_gateway
from lending.operations.day_close import CLOSE, DayNotClosed, close_day
from lending.operations.offers import OFFERS, RoundNotStarted, expire_offers, start_round
from lending.operations.transfers import PAY_OUT, PayoutHeld, claim_payout, record_payout
from lending.queries.transfers import is_gateway_down, stale_transfers

log = structlog.get_logger(__name__)
add_tasks(OFFERS, CLOSE)


@shared_task(name=PAY_OUT)
def pay_out(transfer_id: int) -> None:
    """Pay a loan out: claim, send, record; sent again, it asks what became of it."""
    bank = office_gateway()
    if bank is None or is_gateway_down():  # the sweep finds it
        log.warning("payout_left", transfer_id=transfer_id, has_gateway=bank is not None)
    else:
        _pay(bank, transfer_id=transfer_id)


@shared_task(name="lending.settle_transfers")
def settle_transfers() -> None:
    """Pay out what waits, and ask for what has no answer."""
    bank, today = office_gateway(), get_business_date()
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
                collect_loan(bank, loan_id=transfer.loan_id, to=today - DAY, clock=timezone.now)
        except Exception:
            log.exception("transfer_failed", transfer_id=transfer.pk)


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


def _pay(bank: Breaker, *, transfer_id: int) -> None:
    """Pay a loan out, unless something holds the payout back."""
    try:
        claimed = claim_payout(transfer_id=transfer_id, now=timezone.now())
    except PayoutHeld as held:
        log.warning("payout_held", transfer_id=transfer_id, reason=held.reason)
        return
    if claimed is not None:
        record_payout(transfer_id=transfer_id, answer=bank.pay(claimed.order), now=timezone.now())
