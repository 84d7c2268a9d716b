"""Collect what loans owe."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import uuid4

import structlog
from django.db.models import Q

from config.db.transactions import Contended, operation, require_one
from config.office.job_runs import Claim, Clock, report_progress
from lending.domain.books.transfer import OPEN_TRANSFERS, Answer, TransferKind, TransferState
from lending.domain.contract.events import EventType
from lending.gateways.breaker import Breaker
from lending.gateways.protocol import Gateway
from lending.gateways.registry import ROUTES
from lending.models import DayClose, Loan, Transfer
from lending.models.transfer import OPEN
from lending.operations.transfers import (
    Claimed,
    book_moved,
    lock_loan,
    lock_transfer,
    mark_sent,
    settle_transfer,
)
from lending.queries.loans import get_collectable
from lending.queries.transfers import loans_due

DAY = timedelta(days=1)
log = structlog.get_logger(__name__)


def collect_dues(gateways: Mapping[str, Gateway], *, claim: Claim, clock: Clock) -> int:
    """Collect what the loans of a close's part owe on its day; return how many were asked. Raises StaleRow.

    What is done stays done, whoever takes over.
    """
    route = ROUTES[TransferKind.COLLECTION]
    gateway = gateways.get(route)
    if gateway is None:
        return 0
    bank, on = Breaker(route, gateway), DayClose.objects.get(pk=claim.subject_id).day
    loans = loans_due(close_id=claim.subject_id, part=claim.part)
    for done, loan_id in enumerate(loans):
        report_progress(claim=claim, done=done, total=len(loans), now=clock())
        try:
            collect_loan(bank, loan_id=loan_id, on=on, to=on, clock=clock)
        except Contended:  # somebody is working on this loan: the next close asks again, and the others do not wait
            log.warning("collection_left", loan_id=loan_id)
    return len(loans)


def collect_loan(bank: Breaker, *, loan_id: int, on: date, to: date, clock: Clock) -> None:
    """Collect what is due on each day from one to another; an earlier collection that is open comes first.

    While the bank is down, what is due is only recorded: the sweep collects it for its date.
    """
    while on <= to:
        if bank.is_down:
            leave_collection(loan_id=loan_id, on=on, gateway=bank.name, now=clock())
            return
        claimed = claim_collection(loan_id=loan_id, on=on, gateway=bank.name, now=clock())
        if claimed is None:
            on += DAY
            continue
        answer = bank.collect(claimed.order)
        settled = record_collection(transfer_id=claimed.transfer_id, answer=answer, now=clock())
        if settled.state in OPEN_TRANSFERS:
            return
        on = settled.on + DAY


def claim_collection(*, loan_id: int, on: date, gateway: str, now: datetime) -> Claimed | None:
    """Claim what a loan owes on a date for collection through a gateway.

    None if nothing is due, it was already asked for, or what is open is for another gateway.
    """
    with operation():
        loan = lock_loan(loan_id)
        transfer = _collection_of(loan, on=on, gateway=gateway, now=now)
        if transfer is None:
            return None
        if not Transfer.objects.sendable(now).filter(pk=transfer.pk, gateway=gateway).exists():
            return None
        return mark_sent(transfer, loan, on=transfer.on, now=now)


def leave_collection(*, loan_id: int, on: date, gateway: str, now: datetime) -> None:
    """Record what a loan owes on a date as a collection, which the sweep sends for that date."""
    with operation():
        _collection_of(lock_loan(loan_id), on=on, gateway=gateway, now=now)


def record_collection(*, transfer_id: int, answer: Answer | None, now: datetime) -> Transfer:
    """Record a gateway's answer to a collection, and book what came as a repayment of its date."""
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        settled = settle_transfer(transfer, answer, now=now)
        if settled is not None and settled.moved_minor:
            book_moved(loan, transfer, EventType.REPAYMENT, settled.moved_minor, now=now)
        return Transfer.objects.get(pk=transfer_id)


def _collection_of(loan: Loan, *, on: date, gateway: str, now: datetime) -> Transfer | None:
    """Return the loan's open collection, or that of the date, or create it; None if nothing is due.

    One that was never sent is for what is still owed: what was paid meanwhile is not collected again.
    """
    known = Transfer.objects.filter(loan=loan, kind=TransferKind.COLLECTION).filter(Q(on=on) | Q(state__in=OPEN))
    transfer = known.order_by("pk").first()
    if transfer is not None and transfer.state != TransferState.DUE:
        return transfer
    due = get_collectable(loan, on=on if transfer is None else transfer.on)
    if transfer is None:
        return _make_collection(loan, due, on=on, gateway=gateway, now=now) if due else None
    never_sent = Transfer.objects.filter(pk=transfer.pk, state=TransferState.DUE)
    if due:
        require_one(never_sent.update(amount_minor=due))
        return never_sent.get()
    require_one(never_sent.update(state=TransferState.FAILED, answer="paid before it was sent", settled_at=now))
    return _collection_of(loan, on=on, gateway=gateway, now=now)


def _make_collection(loan: Loan, amount_minor: int, *, on: date, gateway: str, now: datetime) -> Transfer:
    return Transfer.objects.create(
        loan=loan,
        kind=TransferKind.COLLECTION,
        state=TransferState.DUE,
        gateway=gateway,
        key=uuid4(),
        on=on,
        amount_minor=amount_minor,
        made_at=now,
        next_attempt_at=now,
    )
