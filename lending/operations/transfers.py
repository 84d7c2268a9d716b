"""Move money through gateways: claim, send, record. What payouts and collections share.

A claim and its record are two transactions around one call, which is made outside any. The row says what is under
way: if a process dies between the three, the sweep finds the transfer and sends it again under its key, which a
gateway executes at most once.
"""

from dataclasses import dataclass
from datetime import date, datetime

from config.db.locking import lock_rows
from config.db.transactions import operation, require_one, require_transaction
from config.kernel.money import Money
from config.office.actors import SYSTEM
from lending.domain.books.transfer import (
    AWAITED_TRANSFERS,
    OPEN_TRANSFERS,
    PATIENCE,
    Answer,
    Settlement,
    TransferKind,
    TransferState,
    settle,
    wait_after,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.gateways.protocol import Order
from lending.models import Loan, Transfer
from lending.operations.bookings import NewEvent, book_event
from lending.queries.loans import get_loan, next_event_id
from merchants.models import PayoutAccount


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


def settle_transfer(
    transfer: Transfer, answer: Answer | None, *, now: datetime, on: date | None = None
) -> Settlement | None:
    """Record what became of a locked transfer; None if it was never sent, or that was recorded before.

    on: the date for which it counts from now on, if that changes. Raises NoTransaction, StaleRow.
    """
    require_transaction()
    if transfer.state not in AWAITED_TRANSFERS:
        return None
    settled = settle(TransferKind(transfer.kind), amount_minor=transfer.amount_minor, answer=answer)
    require_one(
        Transfer.objects.filter(pk=transfer.pk, state=transfer.state).update(
            state=settled.state,
            moved_minor=settled.moved_minor,
            answer=settled.words[:200],
            settled_at=None if settled.state in OPEN_TRANSFERS else now,
            on=on or transfer.on,
        )
    )
    transfer.on = on or transfer.on
    return settled


def book_moved(loan: Loan, transfer: Transfer, kind: EventType, moved_minor: int, *, now: datetime) -> None:
    """Book what moved, on the transfer's date. Raises NoTransaction."""
    event = LoanEvent(id=next_event_id(loan), on=transfer.on, type=kind, amount_minor=moved_minor)
    book_event(NewEvent(loan=loan, event=event), actor=SYSTEM, now=now)


def postpone_transfer(*, transfer_id: int, now: datetime) -> None:
    """Postpone a transfer that could not be sent to its next turn, so that it keeps no other waiting."""
    with operation():
        never_sent = Transfer.objects.filter(pk=transfer_id, state=TransferState.DUE)
        never_sent.update(next_attempt_at=now + PATIENCE)
