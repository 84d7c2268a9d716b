"""Move money through gateways: claim, send, record.

A claim and its record are two transactions round one call, which is made outside any. The row says what is under
way: whoever dies between the three is found by the sweep, and the transfer is sent again under its key, which a
gateway does at most once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import uuid4

from django.db.models import Q

from config.db.transactions import operation, require_one, require_transaction
from config.jobs import enqueue
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import (
    PayoutHold,
    PayoutRetryRefusal,
    ReturnRefusal,
    Settlement,
    TransferKind,
    TransferState,
    judge_payout,
    settle,
)
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.gateways.transfers import Answer, Order
from lending.models import Loan, Transfer
from lending.models import LoanEvent as EventRow
from lending.models.transfer import OPEN
from lending.operations.bookings import book_event
from lending.queries.closes import books_are_broken
from lending.queries.loans import get_collectable, get_loan, next_event_id
from lending.queries.products import product_of
from lending.queries.transfers import get_cancel_refusal, get_retry_refusal, get_return_refusal
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import PayoutAccount

PAY_OUT: Final = "lending.pay_out"


class PayoutHeld(Refused[PayoutHold]):
    """No money left; the payout waits."""


class PayoutNotRepeated(Refused[PayoutRetryRefusal]):
    """The loan is not paid out again."""


class LoanNotCancelled(Refused[PayoutRetryRefusal]):
    """The loan is not given up."""


class PayoutNotReturned(Refused[ReturnRefusal | LoanRefusal]):
    """The payout stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A transfer that may be sent now."""

    transfer_id: int
    order: Order


def make_payout(loan: Loan, *, now: datetime) -> Transfer:
    """Write that a loan's money is to be paid out, and send for it after the commit. Raises NoTransaction."""
    require_transaction()
    transfer = Transfer.objects.create(
        loan=loan,
        kind=TransferKind.PAYOUT,
        state=TransferState.DUE,
        key=uuid4(),
        on=loan.application.applied_on,
        amount_minor=loan.amount_minor,
        made_at=now,
    )
    enqueue(PAY_OUT, transfer_id=transfer.pk)
    return transfer


def claim_payout(*, transfer_id: int, now: datetime) -> Claimed | None:
    """Claim a payout for sending; None if it is settled, or was sent a moment ago.

    Raises PayoutHeld, which holds back only what was never sent: money that may have left is always asked for.
    """
    with operation():
        transfer = Transfer.objects.sendable(now).filter(pk=transfer_id, kind=TransferKind.PAYOUT).lock().first()
        if transfer is None:
            return None
        loan, today = get_loan(loan_id=transfer.loan_id), get_business_date()
        if transfer.state == TransferState.DUE:
            hold = judge_payout(
                today=today,
                status=LoanStatus(loan.status),
                account_verified=loan.payout_account.state == PayoutAccountState.VERIFIED,
                applied_on=loan.application.applied_on,
                cooling_off_days=product_of(loan.product).origination.cooling_off_days,
                books_broken=books_are_broken(),
            )
            if hold is not None:
                raise PayoutHeld(hold)
        return _send(transfer, loan, on=today or transfer.on, now=now)


def record_payout(*, transfer_id: int, answer: Answer | None, now: datetime) -> Transfer:
    """Record what a gateway said of a payout, and disburse the loan if the money left; None is no answer.

    The loan earns from the date of the last sending: if it was an earlier one that went through, the days between
    are ours to lose. Recorded twice, it is recorded once.
    """
    with operation():
        loan, transfer = _locked(transfer_id)
        settled = _settle(transfer, answer, now=now)
        if settled is not None and settled.state is TransferState.DONE:
            _book(loan, transfer, EventType.DISBURSEMENT, settled.moved_minor, now=now)
        return Transfer.objects.get(pk=transfer_id)


def return_payout(
    *, transfer_id: int, on: date, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> Transfer:
    """Take back a payout whose money came back: the loan may be paid out again, or given up.

    Raises PayoutNotReturned, Contended, Transfer.DoesNotExist.
    """
    with operation():
        loan, transfer = _locked(transfer_id)
        never_sent = Transfer.objects.filter(loan=loan, kind=TransferKind.COLLECTION, state=TransferState.DUE)
        refusal = get_return_refusal(loan, payout=transfer, on=on, reason=reason, seen=seen)
        if refusal is not None:
            raise PayoutNotReturned(refusal)
        # Of several disbursements, all but the last were reversed before.
        disbursement = EventRow.objects.filter(loan=loan, type=EventType.DISBURSEMENT).latest("seq")
        event = LoanEvent(id=next_event_id(loan), on=on, type=EventType.REVERSAL, of=str(disbursement.seq))
        try:
            book_event(loan, event, of=disbursement, external_ref="", reason=reason, actor=actor, now=now)
        except LoanRefused as refused:
            raise PayoutNotReturned(refused.reason) from refused
        done = Transfer.objects.filter(pk=transfer.pk, state=TransferState.DONE)
        require_one(done.update(state=TransferState.RETURNED, answer=reason[:200]))
        never_sent.update(state=TransferState.FAILED, answer="the payout came back", settled_at=now)
        record_event(
            name="lending.return_payout",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"status": Loan.objects.get(pk=loan.pk).status, "transfer": transfer.pk},
            now=now,
        )
        return Transfer.objects.get(pk=transfer_id)


def pay_out_again(*, loan_id: int, reason: str, actor: Actor, now: datetime) -> Transfer:
    """Send the money of a loan whose payout failed or came back once more, to its merchant's verified account.

    Raises PayoutNotRepeated, Contended, Loan.DoesNotExist.
    """
    with operation():
        loan = _locked_loan(loan_id)
        refusal = get_retry_refusal(loan, reason=reason)
        if refusal is not None:
            raise PayoutNotRepeated(refusal)
        verified = PayoutAccount.objects.verified().filter(merchant=loan.merchant_id).first()
        if verified is not None:  # another one than before, perhaps; without one the payout is held
            Loan.objects.filter(pk=loan.pk).update(payout_account=verified)
        transfer = make_payout(loan, now=now)
        record_event(
            name="lending.pay_out_again",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"transfer": transfer.pk, "reason": reason.strip()},
            now=now,
        )
        return transfer


def cancel_loan(*, loan_id: int, reason: str, actor: Actor, now: datetime) -> Loan:
    """Give up a loan whose money never left. Raises LoanNotCancelled, Contended, Loan.DoesNotExist."""
    with operation():
        loan = _locked_loan(loan_id)
        payouts = Transfer.objects.filter(loan=loan, kind=TransferKind.PAYOUT)
        list(payouts.lock())  # `claim_payout` holds no more than these
        refusal = get_cancel_refusal(loan, reason=reason)
        if refusal is not None:
            raise LoanNotCancelled(refusal)
        payouts.filter(state=TransferState.DUE).update(
            state=TransferState.FAILED, answer="given up before it was sent", settled_at=now
        )
        require_one(Loan.objects.filter(pk=loan.pk, status=LoanStatus.APPROVED).update(status=LoanStatus.CANCELLED))
        record_event(
            name="lending.cancel_loan",
            subject=loan,
            actor=actor,
            before={"status": loan.status},
            after={"status": LoanStatus.CANCELLED, "reason": reason.strip()},
            now=now,
        )
        return get_loan(loan_id=loan_id)


def claim_collection(*, loan_id: int, on: date, now: datetime) -> Claimed | None:
    """Claim what a loan owes on a date for collecting; None if nothing is due, or it was asked for already."""
    with operation():
        loan = _locked_loan(loan_id)
        transfer = _collection_of(loan, on=on, now=now)
        if transfer is None or not Transfer.objects.sendable(now).filter(pk=transfer.pk).exists():
            return None
        return _send(transfer, loan, on=transfer.on, now=now)


def leave_collection(*, loan_id: int, on: date, now: datetime) -> None:
    """Write what a loan owes on a date as a collection to be sent: the sweep does, for that date."""
    with operation():
        _collection_of(_locked_loan(loan_id), on=on, now=now)


def record_collection(*, transfer_id: int, answer: Answer | None, now: datetime) -> Transfer:
    """Record what a gateway said of a collection, and book what came as a repayment of its date."""
    with operation():
        loan, transfer = _locked(transfer_id)
        settled = _settle(transfer, answer, now=now)
        if settled is not None and settled.moved_minor:
            _book(loan, transfer, EventType.REPAYMENT, settled.moved_minor, now=now)
        return Transfer.objects.get(pk=transfer_id)


def _collection_of(loan: Loan, *, on: date, now: datetime) -> Transfer | None:
    """Get the loan's open collection, or that of the date, or make it; None if nothing is due.

    One that was never sent is for what is owed still: what was paid meanwhile is not fetched once more.
    """
    known = Transfer.objects.filter(loan=loan, kind=TransferKind.COLLECTION).filter(Q(on=on) | Q(state__in=OPEN))
    transfer = known.order_by("pk").first()
    if transfer is not None and transfer.state != TransferState.DUE:
        return transfer
    due = get_collectable(loan, on=on if transfer is None else transfer.on)
    if transfer is None:
        fields = {"loan": loan, "kind": TransferKind.COLLECTION, "state": TransferState.DUE, "made_at": now}
        return Transfer.objects.create(**fields, key=uuid4(), on=on, amount_minor=due) if due else None
    never_sent = Transfer.objects.filter(pk=transfer.pk, state=TransferState.DUE)
    if due:
        require_one(never_sent.update(amount_minor=due))
        return never_sent.get()
    require_one(never_sent.update(state=TransferState.FAILED, answer="paid before it was sent", settled_at=now))
    return _collection_of(loan, on=on, now=now)


def _locked_loan(loan_id: int) -> Loan:
    """Hold a loan, then read it."""
    Loan.objects.filter(pk=loan_id).lock().get()
    return get_loan(loan_id=loan_id)


def _locked(transfer_id: int) -> tuple[Loan, Transfer]:
    """Hold the loan of a transfer, then read both."""
    Loan.objects.filter(transfers=transfer_id).lock().get()
    transfer = Transfer.objects.filter(pk=transfer_id).lock().get()
    return get_loan(loan_id=transfer.loan_id), transfer


def _send(transfer: Transfer, loan: Loan, *, on: date, now: datetime) -> Claimed:
    sent = Transfer.objects.filter(pk=transfer.pk, state=transfer.state, attempts=transfer.attempts)
    require_one(sent.update(state=TransferState.SENT, attempts=transfer.attempts + 1, on=on, sent_at=now))
    order = Order(
        key=transfer.key,
        amount=Money(transfer.amount_minor, loan.currency),
        merchant_id=loan.merchant_id,
        account_number=loan.payout_account.number,
        holder=loan.payout_account.holder,
    )
    return Claimed(transfer_id=transfer.pk, order=order)


def _settle(transfer: Transfer, answer: Answer | None, *, now: datetime) -> Settlement | None:
    """Write the outcome of an open transfer; None if it was written before."""
    if transfer.state not in OPEN:
        return None
    settled = settle(
        TransferKind(transfer.kind),
        amount_minor=transfer.amount_minor,
        moved_minor=None if answer is None else answer.moved_minor,
        words="" if answer is None else answer.words,
    )
    require_one(
        Transfer.objects.filter(pk=transfer.pk, state=transfer.state).update(
            state=settled.state,
            moved_minor=settled.moved_minor,
            answer=settled.words[:200],
            settled_at=None if settled.state is TransferState.UNKNOWN else now,
        )
    )
    return settled


def _book(loan: Loan, transfer: Transfer, kind: EventType, moved_minor: int, *, now: datetime) -> None:
    """Book what moved, on the transfer's date."""
    event = LoanEvent(id=next_event_id(loan), on=transfer.on, type=kind, amount_minor=moved_minor)
    book_event(loan, event, external_ref="", reason="", actor=SYSTEM, now=now)
