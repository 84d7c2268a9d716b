"""Pay loans out, and undo payouts that did not arrive."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import uuid4

import structlog

from config.db.rows import insert
from config.db.transactions import operation, require_one, require_transaction
from config.jobs import enqueue
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    Answer,
    PayoutHold,
    PayoutRetryRefusal,
    ReturnRefusal,
    TransferKind,
    TransferState,
)
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.gateways.breaker import Breaker
from lending.gateways.protocol import Gateway
from lending.models import Loan, Transfer
from lending.models import LoanEvent as EventRow
from lending.operations.bookings import NewEvent, book_event, move_exposure
from lending.operations.transfers import (
    Claimed,
    lock_loan,
    lock_transfer,
    mark_sent,
    postpone_transfer,
    settle_and_book,
)
from lending.queries.gateways import payout_route
from lending.queries.loans import get_loan, return_event, share_of
from lending.queries.transfers import (
    applied_on,
    get_cancel_refusal,
    get_payout_hold,
    get_return_refusal,
    is_gateway_down,
)

PAY_OUT: Final = "lending.pay_out"
log = structlog.get_logger(__name__)


class PayoutHeld(Refused[PayoutHold]):
    """No money was sent; the payout waits."""


class LoanNotCancelled(Refused[PayoutRetryRefusal]):
    """The loan is not cancelled."""


class PayoutNotReturned(Refused[ReturnRefusal | LoanRefusal]):
    """The payout was not taken back."""


def make_payout(loan: Loan, *, now: datetime) -> Transfer:
    """Create the payout of a loan's money, and queue it for after the commit. Raises NoTransaction."""
    require_transaction()
    transfer = insert(
        Transfer(
            loan=loan,
            kind=TransferKind.PAYOUT,
            state=TransferState.DUE,
            gateway=payout_route(loan),
            key=uuid4(),
            on=applied_on(loan),
            amount_minor=loan.amount_minor,
            made_at=now,
            next_attempt_at=now,
        )
    )
    enqueue(PAY_OUT, transfer_id=transfer.pk)
    return transfer


def send_payout(gateways: Mapping[str, Gateway], *, transfer_id: int, clock: Clock) -> None:
    """Send a payout that was just created; if its gateway is missing or silent, leave it to the sweep."""
    name = Transfer.objects.values_list("gateway", flat=True).get(pk=transfer_id)
    gateway = gateways.get(name)
    if gateway is None or is_gateway_down(name):
        log.warning("payout_left", transfer_id=transfer_id, gateway=name, is_set_up=gateway is not None)
    else:
        pay_out(Breaker(name, gateway), transfer_id=transfer_id, clock=clock)


def pay_out(bank: Breaker, *, transfer_id: int, clock: Clock) -> None:
    """Claim a payout, send it and record the answer; one that is held back waits for its next turn."""
    try:
        claimed = claim_payout(transfer_id=transfer_id, now=clock())
    except PayoutHeld as held:
        log.warning("payout_held", transfer_id=transfer_id, reason=held.reason)
        postpone_transfer(transfer_id=transfer_id, now=clock())
        return
    if claimed is not None:
        record_payout(transfer_id=transfer_id, answer=bank.pay(claimed.order), now=clock())


def claim_payout(*, transfer_id: int, now: datetime) -> Claimed | None:
    """Claim a payout for sending; None if it is settled, pending, or not to be asked for again yet.

    Raises PayoutHeld, which holds back only what was never sent: money that may have left is always asked for.
    """
    with operation():
        transfer = Transfer.objects.sendable(now).filter(pk=transfer_id, kind=TransferKind.PAYOUT).lock().first()
        if transfer is None:
            return None
        loan = get_loan(loan_id=transfer.loan_id)
        hold = get_payout_hold(loan) if transfer.state == TransferState.DUE else None
        if hold is not None:
            raise PayoutHeld(hold)
        return mark_sent(transfer, loan, on=get_business_date() or transfer.on, now=now)


def record_payout(*, transfer_id: int, answer: Answer | None, now: datetime) -> Transfer:
    """Record a gateway's answer to a payout (None: no answer), and disburse the loan if the money left.

    The loan earns from the date that the bank gives, or else of the last sending: if it was an earlier one that went
    through, the days between are our loss. Recording it twice changes nothing.
    """
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        settle_and_book(loan, transfer, answer, now=now)
        return Transfer.objects.get(pk=transfer_id)


def return_payout(
    *,
    transfer_id: int,
    on: date,
    reason: str,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
    approval: Approval | None = None,
    by_bank: bool = False,
) -> Transfer:
    """Take back a payout whose money came back, as the bank may say: the loan may be paid out again, or cancelled.

    Raises PayoutNotReturned, NotApproved, Contended, Transfer.DoesNotExist.
    """
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        never_sent = Transfer.objects.filter(loan=loan, kind=TransferKind.COLLECTION, state=TransferState.DUE)
        refusal = get_return_refusal(loan, payout=transfer, on=on, reason=reason, seen=seen, by_bank=by_bank)
        if refusal is not None:
            raise PayoutNotReturned(refusal)
        require_approval(return_act(loan, payout=transfer, on=on, reason=reason), approval, actor=actor, now=now)
        event = return_event(loan, on=on)
        disbursement = EventRow.objects.get(loan=loan, seq=int(event.of or 0))
        try:
            new = NewEvent(loan=loan, event=event, of=disbursement, reason=reason)
            _, plan = book_event(new, actor=actor, now=now)
        except LoanRefused as refused:
            raise PayoutNotReturned(refused.reason) from refused
        done = Transfer.objects.filter(pk=transfer.pk, state=TransferState.DONE)
        require_one(done.update(state=TransferState.RETURNED, answer=reason[:200]))
        never_sent.update(state=TransferState.FAILED, answer="the payout came back", settled_at=now)
        record_event(
            name="lending.return_payout",
            subject=loan,
            actor=actor,
            before={"status": loan.status, "payoff_minor": plan.before.payoff_minor},
            after={
                "status": plan.after.status,
                "transfer": transfer.pk,
                "payoff_minor": plan.after.payoff_minor,
            },
            now=now,
            amount=Money(transfer.amount_minor, loan.currency),
        )
        return Transfer.objects.get(pk=transfer_id)


def return_act(loan: Loan, *, payout: Transfer, on: date, reason: str) -> Act:
    """Return what a second person has to approve before a payout is taken back."""
    return Act(
        operation="lending.return_payout", subject=loan, arguments={"payout": payout.pk, "on": on, "reason": reason}
    )


def cancel_loan(*, loan_id: int, reason: str, actor: Actor, now: datetime) -> Loan:
    """Cancel a loan whose money never left. Raises LoanNotCancelled, Contended, Loan.DoesNotExist."""
    with operation():
        loan = lock_loan(loan_id)
        payouts = Transfer.objects.filter(loan=loan, kind=TransferKind.PAYOUT)
        list(payouts.lock())  # `claim_payout` locks no more than these
        refusal = get_cancel_refusal(loan, reason=reason)
        if refusal is not None:
            raise LoanNotCancelled(refusal)
        payouts.filter(state=TransferState.DUE).update(
            state=TransferState.FAILED, answer="cancelled before it was sent", settled_at=now
        )
        require_one(Loan.objects.filter(pk=loan.pk, status=LoanStatus.APPROVED).update(status=LoanStatus.CANCELLED))
        cancelled = get_loan(loan_id=loan_id)
        move_exposure((loan, share_of(loan), share_of(cancelled)))
        record_event(
            name="lending.cancel_loan",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"status": LoanStatus.CANCELLED, "reason": reason.strip()},
            now=now,
            amount=Money(loan.amount_minor, loan.currency),
        )
        return cancelled
