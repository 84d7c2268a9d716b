"""Take what platforms say that they withheld."""

from datetime import datetime

from config.kernel.refusals import Refused
from config.office.business_date import get_business_date
from config.office.job_runs import Clock
from lending.domain.books.transfer import Moved, Nothing, ResultRefusal, TransferState, judge_result
from lending.gateways.breaker import Breaker
from lending.gateways.platform import Platform
from lending.gateways.registry import PLATFORM
from lending.models import Transfer
from lending.operations.collections import DAY, collect_loan, record_collection

NOT_ENOUGH = "the platform had less to settle"


class ResultNotTaken(Refused[ResultRefusal]):
    """What the platform says is not booked."""


def take_result(*, transfer_id: int, amount_minor: int, clock: Clock) -> Transfer:
    """Book what a platform withheld for a collection; the same again changes nothing. Then ask for what is due since.

    Raises ResultNotTaken, Contended, Transfer.DoesNotExist.
    """
    settled = _record(transfer_id, amount_minor, now=clock())
    today = get_business_date()
    if today is not None:
        platform = Breaker(PLATFORM, Platform())
        collect_loan(platform, loan_id=settled.loan_id, on=settled.on + DAY, to=today - DAY, clock=clock)
    return Transfer.objects.select_related("loan__merchant").get(pk=transfer_id)


def _record(transfer_id: int, amount_minor: int, *, now: datetime) -> Transfer:
    asked = Transfer.objects.get(pk=transfer_id)
    refusal = judge_result(
        state=TransferState(asked.state),
        ordered_minor=asked.amount_minor,
        moved_minor=asked.moved_minor,
        said_minor=amount_minor,
    )
    if refusal is not None:
        raise ResultNotTaken(refusal)
    words = "" if amount_minor == asked.amount_minor else NOT_ENOUGH
    answer = Moved(amount_minor, words) if amount_minor else Nothing(words)
    settled = record_collection(transfer_id=transfer_id, answer=answer, now=now)
    if settled.moved_minor != amount_minor:  # another result was faster
        raise ResultNotTaken(ResultRefusal.REPORTED_OTHERWISE)
    return settled
