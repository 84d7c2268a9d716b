"""Write events, their entries and what follows from them, in the caller's operation, under the loans' locks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from config.db.locking import lock_name
from config.db.transactions import require_transaction
from config.office.actors import Actor
from lending.domain.books.booking import effective_date
from lending.domain.books.ledger import ACCRUAL, Movement
from lending.domain.books.loan import Share
from lending.domain.books.plan import Plan, plan_event
from lending.domain.contract.events import LoanEvent
from lending.models import Entry, Instalment, Loan, Posting
from lending.models import LoanEvent as EventRow
from lending.operations.projections import write_projections
from lending.queries.closes import booked_to, last_proven_day, latest_close
from lending.queries.loans import contracts_of, share_of

MOVE: Final = """
INSERT INTO lending_productexposure AS kept
    (code, currency, category, status, loans, minor, disbursed_minor, repaid_minor)
SELECT p.code, l.currency, l.category, m.status, sum(m.loans), sum(m.minor), sum(m.disbursed), sum(m.repaid)
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    m (loan_id, status, loans, minor, disbursed, repaid)
JOIN lending_loan l ON l.id = m.loan_id JOIN lending_productversion p ON p.id = l.product_id
GROUP BY p.code, l.currency, l.category, m.status
ORDER BY p.code, l.currency, l.category, m.status -- of several rows, everyone locks the same one first
ON CONFLICT (code, currency, category, status) DO UPDATE SET loans = kept.loans + excluded.loans,
    minor = kept.minor + excluded.minor, disbursed_minor = kept.disbursed_minor + excluded.disbursed_minor,
    repaid_minor = kept.repaid_minor + excluded.repaid_minor
"""
LEFT: Final = """
UPDATE lending_instalment i SET left_minor = n.left_minor
FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) n (loan_id, no, left_minor)
WHERE i.loan_id = n.loan_id AND i.no = n.no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be booked on a locked loan, which is as it was read under its lock. of: what a reversal removes."""

    loan: Loan
    event: LoanEvent
    of: EventRow | None = None
    external_ref: str = ""
    reason: str = ""


class Booked(NamedTuple):
    """An event that was booked, and what it did."""

    row: EventRow
    plan: Plan


def book_event(new: NewEvent, *, actor: Actor, now: datetime) -> Booked:
    """Append one event to its loan. Raises NoTransaction, StaleRow, LoanRefused."""
    [booked] = book_events([new], actor=actor, now=now)
    return booked


def book_events(events: Sequence[NewEvent], *, actor: Actor, now: datetime) -> list[Booked]:
    """Append events, each of another loan, post what they move, and rewrite the projections of their loans.

    Raises NoTransaction, StaleRow, LoanRefused if one of them may not be booked.
    """
    require_transaction()
    lock_books(exclusive=False)
    contracts, last_proven, close = contracts_of([new.loan for new in events]), last_proven_day(), latest_close()
    plans = [plan_event(contracts[new.loan.pk], new.event, booked_to=booked_to(new.loan, close)) for new in events]
    rows = EventRow.objects.bulk_create(
        _row(new, seq=len(contracts[new.loan.pk].events) + 1, actor=actor, now=now) for new in events
    )
    entries = list[tuple[Entry, Sequence[Movement]]]()
    for new, plan, row in zip(events, plans, rows, strict=True):
        if plan.earned:
            night = effective_date(plan.to - timedelta(days=1), last_proven=last_proven)
            accrued = Entry(code=ACCRUAL, effective_date=night, booked_at=now, loan=new.loan)
            entries.append((accrued, plan.earned))
        on = effective_date(new.event.on, last_proven=last_proven)
        entries.append(
            (Entry(code=new.event.type.name, effective_date=on, booked_at=now, loan=new.loan, event=row), plan.moved)
        )
    Entry.objects.bulk_create(entry for entry, _ in entries)
    post(*((entry, moved, entry.loan.currency) for entry, moved in entries if entry.loan is not None))
    _write_loans([(new.loan, plan) for new, plan in zip(events, plans, strict=True)])
    return list(map(Booked, rows, plans))


def _row(new: NewEvent, *, seq: int, actor: Actor, now: datetime) -> EventRow:
    return EventRow(
        loan=new.loan,
        seq=seq,
        on=new.event.on,
        type=new.event.type,
        amount_minor=new.event.amount_minor,
        rate=new.event.rate,
        periods=new.event.periods,
        of=new.of,
        partner_id=new.loan.application.partner_id,
        external_ref=new.external_ref,
        reason=new.reason,
        actor=str(actor),
        booked_at=now,
    )


def post(*entries: tuple[Entry, Sequence[Movement], str]) -> None:
    """Write the postings of entries, each with its currency. Raises NoTransaction."""
    require_transaction()
    Posting.objects.bulk_create(
        Posting(
            entry=entry,
            debit_id=one.debit.value,
            credit_id=one.credit.value,
            currency=currency,
            amount_minor=one.amount_minor,
        )
        for entry, moved, currency in entries
        for one in moved
    )


def move_exposure(*moves: tuple[Loan, Share | None, Share]) -> None:
    """Move the sums that are kept of all loans by what each of these added before and adds now. Raises NoTransaction.

    Nothing was added before by a loan that is new.
    """
    require_transaction()
    parts = [
        (
            loan.pk,
            one.status.value,
            sign,
            sign * one.exposure_minor,
            sign * one.disbursed_minor,
            sign * one.repaid_minor,
        )
        for loan, before, after in moves
        if before != after
        for sign, one in ((-1, before), (1, after))
        if one is not None
    ]
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(MOVE, list(map(list, zip(*parts, strict=True))))


def lock_books(*, exclusive: bool) -> None:
    """Lock the books until the transaction ends: exclusively to declare a day proven, shared to book.

    So nothing is booked into a day after its proof, not even by a booking that began before the close did. Bookings
    do not wait for each other, only for a close that holds or waits for the exclusive lock.
    """
    lock_name("lending.books", shared=not exclusive)


def _write_loans(planned: Sequence[tuple[Loan, Plan]]) -> None:
    """Rewrite what follows from the events: kept sums, the loans' columns, their schedules. Raises StaleRow."""
    move_exposure(
        *(
            (
                loan,
                share_of(loan),
                Share.of(plan.after.position, status=plan.after.status, amount_minor=loan.amount_minor),
            )
            for loan, plan in planned
        )
    )
    write_projections([(loan, plan.after, plan.to) for loan, plan in planned])
    left = []
    for loan, plan in planned:
        before, after = plan.before.left_minor, plan.after.left_minor
        if plan.schedule_before == plan.replayed.schedule and len(before) == len(after):
            rows = enumerate(zip(before, after, strict=True), 1)
            left += [(loan.pk, no, now) for no, (then, now) in rows if now != then]
        else:
            _write_schedule(loan, plan)
    if left:
        with connection.cursor() as cursor:
            cursor.execute(LEFT, list(map(list, zip(*left, strict=True))))


def _write_schedule(loan: Loan, plan: Plan) -> None:
    """Write the schedule as drawn, with what is left of each row; a loan whose payout came back has none."""
    Instalment.objects.filter(loan=loan).delete()
    Instalment.objects.bulk_create(
        Instalment(loan=loan, left_minor=left, **asdict(row))
        for row, left in zip(plan.replayed.schedule, plan.after.left_minor, strict=True)
    )
