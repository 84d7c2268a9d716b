"""Take what platforms say that they withheld."""

from datetime import datetime

from config.db.transactions import operation
from config.kernel.money import Money
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.transfer import Moved, Nothing, ResultRefusal, TransferState, judge_result
from lending.gateways.breaker import Breaker
from lending.gateways.platform import Platform
from lending.gateways.registry import PLATFORM
from lending.models import Transfer
from lending.operations.collections import DAY, collect_loan
from lending.operations.transfers import lock_transfer, settle_and_book

NOT_ENOUGH = "the platform had less to settle"


class ResultNotTaken(Refused[ResultRefusal]):
    """What the platform says is not booked."""


def take_result(*, transfer_id: int, amount_minor: int, actor: Actor, clock: Clock) -> Transfer:
    """Book what a platform withheld for a collection; the same again changes nothing. Then ask for what is due since.

    Raises ResultNotTaken, Contended, Transfer.DoesNotExist.
    """
    settled = _record(transfer_id, amount_minor, actor=actor, now=clock())
    today = get_business_date()
    if today is not None:
        platform = Breaker(PLATFORM, Platform())
        collect_loan(platform, loan_id=settled.loan_id, on=settled.on + DAY, to=today - DAY, clock=clock)
    return Transfer.objects.select_related("loan__merchant").get(pk=transfer_id)


def _record(transfer_id: int, amount_minor: int, *, actor: Actor, now: datetime) -> Transfer:
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        refusal = judge_result(
            state=TransferState(transfer.state),
            ordered_minor=transfer.amount_minor,
            moved_minor=transfer.moved_minor,
            said_minor=amount_minor,
        )
        if refusal is not None:
            raise ResultNotTaken(refusal)
        words = "" if amount_minor == transfer.amount_minor else NOT_ENOUGH
        answer = Moved(amount_minor, words) if amount_minor else Nothing(words)
        settled = settle_and_book(loan, transfer, answer, now=now)
        if settled is not None:
            record_event(
                name="lending.take_result",
                subject=loan,
                actor=actor,
                before={"transfer": transfer.pk, "state": transfer.state},
                after={"state": settled.state},
                now=now,
                amount=Money(amount_minor, loan.currency),
            )
        return Transfer.objects.get(pk=transfer_id)
