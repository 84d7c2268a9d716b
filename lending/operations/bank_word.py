"""Enter by hand what became of an order that nothing was said of: by two people, who have the bank's word."""

from datetime import date, datetime

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from lending.domain.books.transfer import Moved, Nothing, WordRefusal
from lending.models import Transfer
from lending.operations.transfers import lock_transfer, settle_and_book
from lending.queries.transfers import get_word_refusal


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
        refusal = get_word_refusal(transfer, on=on, reason=reason)
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
        settle_and_book(loan, transfer, answer, now=now)
        return Transfer.objects.get(pk=transfer_id)


def word_act(transfer: Transfer, *, moved: bool, on: date, reason: str) -> Act:
    """Return what a second person has to approve before an order is settled by hand."""
    arguments = {"order": transfer.key.hex, "moved": moved, "on": on, "reason": reason}
    return Act(operation="lending.enter_word", subject=transfer.loan, arguments=arguments)
