"""Write off by rule: loans so long past due that their product gives them up as a loss."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from config.db.locking import lock_rows
from config.db.transactions import Contended, operation
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.loan import LoanStatus, is_to_be_written_off
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.models import Loan, Transfer
from lending.models import LoanEvent as LoanEventRow
from lending.operations.bookings import NewEvent, book_events, money_of
from lending.queries.closes import closed_to
from lending.queries.loans import next_event_ids, standing_of
from lending.queries.products import latest_versions, product_of

AT_ONCE: Final = 100
log = structlog.get_logger(__name__)


def write_off_late_loans(*, clock: Clock) -> int:
    """Write off, on the business date, the loans that the last closed night left so late; return how many.

    A day that is still to be closed may bring the money: it is not counted. The version of a product that was entered
    last counts. What another holds, or cannot be written off, is left to the next time.
    """
    on, closed, done = get_business_date(), closed_to(), 0
    for (code, currency, kind), version in latest_versions().items():
        after = product_of(version).servicing.write_off_dpd
        if on is None or closed is None or after is None:
            continue
        late = Loan.objects.active().filter(
            product__code=code,
            product__currency=currency,
            product__kind=kind,
            late_since__lte=closed - timedelta(days=after),
        )
        found = list(late.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            try:
                done += _write_off(some, after=after, on=on, closed=closed, now=clock())
            except (Contended, LoanRefused):  # one of them: each by itself, so that it stops no other
                done += sum(_write_off_alone(loan, after=after, on=on, closed=closed, now=clock()) for loan in some)
    return done


def _write_off_alone(loan_id: int, *, after: int, on: date, closed: date, now: datetime) -> int:
    try:
        return _write_off([loan_id], after=after, on=on, closed=closed, now=now)
    except (Contended, LoanRefused):
        log.exception("loan_not_written_off", loan_id=loan_id)
        return 0


def _write_off(ids: Sequence[int], *, after: int, on: date, closed: date, now: datetime) -> int:
    reason = f"{after} days past due"
    with operation():
        lock_rows(Loan, ids)
        collecting = set(Transfer.objects.open().filter(loan__in=ids).values_list("loan_id", flat=True))
        undone = LoanEventRow.objects.filter(loan__in=ids, of__type=EventType.WRITE_OFF)
        was_undone = set(undone.values_list("loan_id", flat=True))
        losses = [
            loan
            for loan in Loan.objects.select_related("merchant").filter(pk__in=ids).order_by("pk")
            if is_to_be_written_off(
                status=LoanStatus(loan.status),
                dpd=standing_of(loan, on=closed).dpd,
                after=after,
                collecting=loan.pk in collecting,
                was_undone=loan.pk in was_undone,
            )
        ]
        numbers = next_event_ids([loan.pk for loan in losses])
        events = [LoanEvent(id=numbers[loan.pk], on=on, type=EventType.WRITE_OFF) for loan in losses]
        new = [NewEvent(loan=loan, event=event, reason=reason) for loan, event in zip(losses, events, strict=True)]
        for event, one in zip(events, book_events(new, actor=SYSTEM, now=now), strict=True):
            record_event(
                name="lending.book_write_off",
                subject=one.row.loan,
                actor=SYSTEM,
                before={"status": LoanStatus.ACTIVE, "payoff_minor": one.plan.before.payoff_minor},
                after={
                    "event": one.row.pk,
                    "status": one.plan.after.status,
                    "payoff_minor": one.plan.after.payoff_minor,
                },
                now=now,
                amount=money_of(event, one.plan, currency=one.row.loan.currency),
            )
        return len(losses)
