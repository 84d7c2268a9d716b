"""Write off by rule: loans so long past due that their product gives them up as a loss."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

from config.db.locking import lock_rows
from config.db.transactions import Contended, operation
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.loan import LoanStatus, is_to_be_written_off
from lending.domain.contract.events import EventType, LoanEvent
from lending.models import Loan, ProductVersion, Transfer
from lending.operations.bookings import NewEvent, book_events
from lending.queries.loans import next_event_ids, standing_of
from lending.queries.products import product_of

AT_ONCE: Final = 100


def write_off_late_loans(*, clock: Clock) -> int:
    """Write off, as of the business date, the loans that are past due as long as their product says; return how many.

    What another holds is left to the next time.
    """
    on, done = get_business_date(), 0
    for version in ProductVersion.objects.order_by("pk"):
        after = product_of(version).servicing.write_off_dpd
        if on is None or after is None:
            continue
        late = Loan.objects.active().filter(product=version, late_since__lte=on - timedelta(days=after))
        found = list(late.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(found), AT_ONCE):
            with suppress(Contended):
                done += _write_off(found[start : start + AT_ONCE], after=after, on=on, now=clock())
    return done


def _write_off(ids: Sequence[int], *, after: int, on: date, now: datetime) -> int:
    reason = f"{after} days past due"
    with operation():
        lock_rows(Loan, ids)
        collecting = set(Transfer.objects.open().filter(loan__in=ids).values_list("loan_id", flat=True))
        losses = [
            loan
            for loan in Loan.objects.select_related("application").filter(pk__in=ids).order_by("pk")
            if is_to_be_written_off(
                status=LoanStatus(loan.status),
                dpd=standing_of(loan, on=on).dpd,
                after=after,
                collecting=loan.pk in collecting,
            )
        ]
        numbers = next_event_ids([loan.pk for loan in losses])
        events = [LoanEvent(id=numbers[loan.pk], on=on, type=EventType.WRITE_OFF) for loan in losses]
        new = [NewEvent(loan=loan, event=event, reason=reason) for loan, event in zip(losses, events, strict=True)]
        for one in book_events(new, actor=SYSTEM, now=now):
            record_event(
                name="lending.book_write_off",
                subject=one.row.loan,
                actor=SYSTEM,
                before={"status": LoanStatus.ACTIVE},
                after={"event": one.row.pk, "status": one.plan.after.status},
                now=now,
            )
        return len(losses)
