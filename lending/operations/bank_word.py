"""Enter by hand what became of an order that nothing was said of: by two people, who have the bank's word."""

from datetime import date, datetime
from typing import Final

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.business_date import get_business_date
from config.office.events import record_event
from lending.domain.books.transfer import Moved, Nothing, TransferKind, TransferState, WordRefusal, judge_word
from lending.domain.contract.events import EventType
from lending.models import Transfer
from lending.operations.transfers import book_moved, lock_transfer, settle_transfer

BOOKED_AS: Final = {
    TransferKind.PAYOUT: EventType.DISBURSEMENT,
    TransferKind.COLLECTION: EventType.REPAYMENT,
}


class WordNotTaken(Refused[WordRefusal]):
    """Nothing was recorded of the order."""


def enter_word(
    *,
    transfer_id: int,
    moved: bool,
    on: date,
    reason: str,
    actor: Actor,
    now: datetime,
    approval: Approval | None = None,
) -> Transfer:
    """Record that the money of an order moved on a day, all of it, or that it did not and will not.

    Raises WordNotTaken, NotApproved, Contended, Transfer.DoesNotExist.
    """
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        refusal = judge_word(
            state=TransferState(transfer.state), on=on, ordered_on=transfer.on, today=get_business_date(), reason=reason
        )
        if refusal is not None:
            raise WordNotTaken(refusal)
        require_approval(word_act(transfer, moved=moved, on=on, reason=reason), approval, actor=actor, now=now)
        record_event(
            name="lending.enter_word",
            subject=loan,
            actor=actor,
            before={"transfer": transfer.pk, "state": transfer.state},
            after={"moved": moved, "on": on.isoformat(), "reason": reason.strip()},
            now=now,
        )
        answer = Moved(transfer.amount_minor, on=on) if moved else Nothing(reason.strip())
        counts_on = on if moved and transfer.kind == TransferKind.PAYOUT else transfer.on
        settle_transfer(transfer, answer, now=now, on=counts_on)
        if moved:
            book_moved(loan, transfer, BOOKED_AS[TransferKind(transfer.kind)], transfer.amount_minor, now=now)
        return Transfer.objects.get(pk=transfer_id)


def word_act(transfer: Transfer, *, moved: bool, on: date, reason: str) -> Act:
    """Return what a second person has to approve before an order is settled by hand."""
    arguments = {"order": transfer.key.hex, "moved": moved, "on": on, "reason": reason}
    return Act(operation="lending.enter_word", subject=transfer.loan, arguments=arguments)
