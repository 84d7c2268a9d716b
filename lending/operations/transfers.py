"""Move money through gateways: claim, send, record. What payouts and collections share.

A claim and its record are two transactions around one call, which is made outside any. The row says what is under
way: if a process dies between the three, the sweep finds the transfer and sends it again under its key, which a
gateway executes at most once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from config.db.locking import lock_rows
from config.db.transactions import operation, require_one, require_transaction
from config.kernel.money import Money
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from lending.domain.books.transfer import (
    AWAITED_TRANSFERS,
    OPEN_TRANSFERS,
    PATIENCE,
    Answer,
    Settlement,
    TransferKind,
    TransferState,
    counts_on,
    settle,
    wait_after,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.gateways.protocol import Order
from lending.models import Loan, Transfer
from lending.operations.bookings import NewEvent, book_event
from lending.queries.loans import get_loan, next_event_id
from merchants.models import PayoutAccount

BOOKED_AS: Final = {TransferKind.PAYOUT: EventType.DISBURSEMENT, TransferKind.COLLECTION: EventType.REPAYMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A transfer that may be sent now."""

    transfer_id: int
    order: Order


def lock_loan(loan_id: int) -> Loan:
    """Lock a loan, then read it. Raises Loan.DoesNotExist."""
    lock_rows(Loan, [loan_id])
    return get_loan(loan_id=loan_id)


def lock_transfer(transfer_id: int) -> tuple[Loan, Transfer]:
    """Lock a transfer and its loan, then read both. Raises DoesNotExist."""
    lock_rows(Loan, [Transfer.objects.values_list("loan_id", flat=True).get(pk=transfer_id)])
    lock_rows(Transfer, [transfer_id])
    transfer = Transfer.objects.get(pk=transfer_id)
    return get_loan(loan_id=transfer.loan_id), transfer


def mark_sent(transfer: Transfer, loan: Loan, *, on: date, now: datetime) -> Claimed:
    """Record that a locked transfer is being sent for a date; return what to send. Raises NoTransaction, StaleRow."""
    require_transaction()
    attempts = transfer.attempts + 1
    sent = Transfer.objects.filter(pk=transfer.pk, state=transfer.state, attempts=transfer.attempts)
    require_one(
        sent.update(
            state=TransferState.SENT, attempts=attempts, on=on, sent_at=now, next_attempt_at=now + wait_after(attempts)
        )
    )
    return Claimed(transfer_id=transfer.pk, order=order_of(transfer, loan))


def order_of(transfer: Transfer, loan: Loan) -> Order:
    """Return the order to a gateway that a transfer of a loan stands for. Raises PayoutAccount.DoesNotExist."""
    account = loan.payout_account
    if account is None:
        raise PayoutAccount.DoesNotExist
    return Order(
        key=transfer.key,
        amount=Money(transfer.amount_minor, loan.currency),
        merchant_id=loan.merchant_id,
        account_number=account.number,
        holder=account.holder,
    )


def settle_and_book(loan: Loan, transfer: Transfer, answer: Answer | None, *, now: datetime) -> Settlement | None:
    """Record what became of a locked transfer, and book what moved on its loan.

    None if it was never sent, or that was recorded before. Raises NoTransaction, StaleRow.
    """
    require_transaction()
    if transfer.state not in AWAITED_TRANSFERS:
        return None
    kind = TransferKind(transfer.kind)
    settled = settle(kind, amount_minor=transfer.amount_minor, answer=answer)
    on = counts_on(kind, answer, ordered_on=transfer.on, today=get_business_date() or transfer.on)
    require_one(
        Transfer.objects.filter(pk=transfer.pk, state=transfer.state).update(
            state=settled.state,
            moved_minor=settled.moved_minor,
            answer=settled.words[:200],
            settled_at=None if settled.state in OPEN_TRANSFERS else now,
            on=on,
        )
    )
    if settled.moved_minor:
        event = LoanEvent(id=next_event_id(loan), on=on, type=BOOKED_AS[kind], amount_minor=settled.moved_minor)
        book_event(NewEvent(loan=loan, event=event), actor=SYSTEM, now=now)
    return settled


def postpone_transfer(*, transfer_id: int, now: datetime) -> None:
    """Postpone a transfer that could not be sent to its next turn, so that it keeps no other waiting."""
    with operation():
        never_sent = Transfer.objects.filter(pk=transfer_id, state=TransferState.DUE)
        never_sent.update(next_attempt_at=now + PATIENCE)
