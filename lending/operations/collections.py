"""Collect what one loan owes."""

from datetime import date, datetime, timedelta
from uuid import uuid4

from django.db.models import Q

from config.db.transactions import operation, require_one
from config.office.job_runs import Clock
from lending.domain.books.transfer import OPEN_TRANSFERS, Answer, TransferKind, TransferState
from lending.gateways.breaker import Breaker
from lending.models import Loan, Transfer
from lending.models.transfer import OPEN
from lending.operations.transfers import (
    Claimed,
    lock_loan,
    lock_transfer,
    mark_sent,
    settle_and_book,
)
from lending.queries.loans import get_collectable

DAY = timedelta(days=1)


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
        settle_and_book(loan, transfer, answer, now=now)
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
