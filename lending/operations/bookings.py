"""Write an event, its entries and what follows from it, as parts of the caller's operation, under the loan's lock."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from config.db.locking import lock_name
from config.db.transactions import require_one, require_transaction
from config.office.actors import Actor
from lending.domain.books.booking import effective_date
from lending.domain.books.ledger import EntryCode, Movement
from lending.domain.books.loan import Share
from lending.domain.books.plan import plan_event
from lending.domain.books.projection import Projection
from lending.domain.contract.events import LoanEvent
from lending.domain.contract.replay import Replayed
from lending.models import Entry, Instalment, Loan, Posting
from lending.models import LoanEvent as EventRow
from lending.queries.closes import booked_of, last_proven_day
from lending.queries.loans import contract_of, share_of

MOVE: Final = """
INSERT INTO lending_productexposure AS kept
    (code, currency, category, status, loans, minor, disbursed_minor, repaid_minor)
SELECT p.code, l.currency, l.category, m.status, sum(m.loans), sum(m.minor), sum(m.disbursed), sum(m.repaid)
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    m (status, loans, minor, disbursed, repaid),
    lending_loan l JOIN lending_productversion p ON p.id = l.product_id
WHERE l.id = %s
GROUP BY p.code, l.currency, l.category, m.status ORDER BY m.status -- of two rows, everyone locks the same one first
ON CONFLICT (code, currency, category, status) DO UPDATE SET loans = kept.loans + excluded.loans,
    minor = kept.minor + excluded.minor, disbursed_minor = kept.disbursed_minor + excluded.disbursed_minor,
    repaid_minor = kept.repaid_minor + excluded.repaid_minor
"""


def book_event(
    loan: Loan,
    event: LoanEvent,
    *,
    of: EventRow | None = None,
    external_ref: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> EventRow:
    """Append an event to a locked loan, post what it moves, and rewrite the loan's projection.

    Raises NoTransaction, LoanRefused.
    """
    require_transaction()
    lock_books(exclusive=False)
    contract, last_proven = contract_of(loan), last_proven_day()
    booked, booked_to = booked_of(loan)
    plan = plan_event(contract, event, booked=booked, booked_to=booked_to)
    if plan.earned:
        last_night = effective_date(plan.to - timedelta(days=1), last_proven=last_proven)
        earned = Entry.objects.create(code=EntryCode.ACCRUAL, effective_date=last_night, booked_at=now, loan=loan)
        post(earned, plan.earned, currency=loan.currency)
    row = EventRow.objects.create(
        loan=loan,
        seq=len(contract.events) + 1,
        on=event.on,
        type=event.type,
        amount_minor=event.amount_minor,
        rate=event.rate,
        of=of,
        partner_id=loan.application.partner_id,
        external_ref=external_ref,
        reason=reason,
        actor=str(actor),
        booked_at=now,
    )
    entry = Entry.objects.create(
        code=EntryCode[event.type.name],
        effective_date=effective_date(event.on, last_proven=last_proven),
        booked_at=now,
        loan=loan,
        event=row,
    )
    post(entry, plan.moved, currency=loan.currency)
    _write_projection(loan, plan.after, booked_to=plan.to)
    _write_schedule(loan, plan.replayed, plan.after.left_minor)
    return row


def post(entry: Entry, moved: Sequence[Movement], *, currency: str) -> None:
    """Write the postings of an entry. Raises NoTransaction."""
    require_transaction()
    Posting.objects.bulk_create(
        [
            Posting(
                entry=entry,
                debit_id=one.debit.value,
                credit_id=one.credit.value,
                currency=currency,
                amount_minor=one.amount_minor,
            )
            for one in moved
        ]
    )


def move_exposure(loan: Loan, *, before: Share | None, after: Share) -> None:
    """Move the sums that are kept of all loans by what one of them added before and adds now. Raises NoTransaction.

    before: None for a loan that is new.
    """
    require_transaction()
    if before == after:
        return
    moves = [
        (share.status.value, sign, sign * share.exposure_minor, sign * share.disbursed_minor, sign * share.repaid_minor)
        for sign, share in ((-1, before), (1, after))
        if share is not None
    ]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [*map(list, zip(*moves, strict=True)), loan.pk])


def lock_books(*, exclusive: bool) -> None:
    """Lock the books until the transaction ends: exclusively to declare a day proven, shared to book.

    So nothing is booked into a day after its proof, not even by a booking that began before the close did. Bookings
    do not wait for each other, only for a close that holds or waits for the exclusive lock.
    """
    lock_name("lending.books", shared=not exclusive)


def _write_projection(loan: Loan, projection: Projection, *, booked_to: date) -> None:
    """Rewrite the columns that follow from the loan's events. Raises StaleRow."""
    out = projection.disbursed_on is not None
    after = Share.of(projection.position, status=projection.status, amount_minor=loan.amount_minor)
    move_exposure(loan, before=share_of(loan), after=after)
    require_one(
        Loan.objects.filter(pk=loan.pk, status=loan.status, booked_to=loan.booked_to).update(
            status=projection.status,
            booked_to=booked_to if out else None,
            disbursed_on=projection.disbursed_on,
            closed_on=projection.closed_on,
            due_minor=projection.due_minor,
            late_since=projection.late_since,
            worst_dpd=projection.worst_dpd,
            next_due=projection.next_due,
            turns_on=projection.turns_on,
            **asdict(projection.position),
            **asdict(projection.carry),
        )
    )


def _write_schedule(loan: Loan, replayed: Replayed, left_minor: Sequence[int]) -> None:
    """Write the schedule as drawn, and what is left of each row; it is empty without a disbursement."""
    rows = [
        Instalment(loan=loan, left_minor=left, **asdict(row))
        for row, left in zip(replayed.schedule, left_minor, strict=True)
    ]
    Instalment.objects.filter(loan=loan, no__gt=len(rows)).delete()
    Instalment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["loan", "no"],
        update_fields=["due", "principal_minor", "interest_minor", "left_minor"],
    )
