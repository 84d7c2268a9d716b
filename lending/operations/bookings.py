"""Write events, their entries and what follows from them, in the caller's operation, under the loans' locks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from config.db.locking import lock_name
from config.db.transactions import require_transaction
from config.kernel.money import Money
from config.office.actors import Actor
from lending.domain.books.booking import effective_date
from lending.domain.books.ledger import ACCRUAL, NOTHING, OPENING, Movement, movements
from lending.domain.books.loan import Share
from lending.domain.books.loan_book import AT_CUT_OVER, TakenOver
from lending.domain.books.plan import Plan, amount_of, plan_event
from lending.domain.books.projection import Projection, project
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import Replayed
from lending.models import Entry, Instalment, Loan, Posting
from lending.models import LoanEvent as EventRow
from lending.operations.projections import opened_loan, write_projections
from lending.operations.spells import Rewritten, rewrite_spells
from lending.queries.closes import booked_to, last_night, last_proven_day, latest_close
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanWithHistory:
    """A loan that is not yet written, and the history up to a cut-over date that a book has of it."""

    loan: Loan
    cut_over: date
    taken: TakenOver

    def new_event(self, place: int) -> NewEvent:
        """Return one of its events, by its place from 1; those after the book's own book what differs."""
        references = self.taken.loan.references
        is_difference = place > len(references)
        return NewEvent(
            loan=self.loan,
            event=self.taken.history.events[place - 1],
            external_ref="" if is_difference else references[place - 1],
            reason=AT_CUT_OVER if is_difference else "",
        )


class Booked(NamedTuple):
    """An event that was booked, and what it did."""

    row: EventRow
    plan: Plan


def money_of(event: LoanEvent, plan: Plan, *, currency: str) -> Money | None:
    """Return the money that the audit trail has of an event."""
    amount = amount_of(event, plan)
    return None if amount is None else Money(amount, currency)


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
    _write_entries(entries)
    _write_loans([(new.loan, plan) for new, plan in zip(events, plans, strict=True)])
    return list(map(Booked, rows, plans))


def open_loans(new: Sequence[LoanWithHistory], *, actor: Actor, now: datetime) -> None:
    """Book new loans that come with a history: their rows, events, schedules, and what brings them into the ledger.

    The ledger has a loan's whole position by one entry of its cut-over date, and by an entry each what differs from
    its book, and what it earned since. Raises NoTransaction.
    """
    require_transaction()
    lock_books(exclusive=False)
    last_proven, to = last_proven_day(), last_night()
    projected = [(one, *_projected(one, to=to)) for one in new]
    loans = Loan.objects.bulk_create(
        opened_loan(one.loan, projection, booked_to=reached) for one, reached, projection in projected
    )
    differences = _write_history(new, actor=actor, now=now)
    entries = list[tuple[Entry, Sequence[Movement]]]()
    for one, reached, projection in projected:
        on = effective_date(one.cut_over, last_proven=last_proven)
        opened = Entry(code=OPENING, effective_date=on, booked_at=now, loan=one.loan)
        entries.append((opened, movements(NOTHING, one.taken.opening)))
        before = one.taken.opening
        for difference, row in zip(one.taken.differences, differences[one.loan.pk], strict=True):
            booked = Entry(code=EventType(row.type).name, effective_date=on, booked_at=now, loan=one.loan, event=row)
            entries.append((booked, movements(before, difference.position)))
            before = difference.position
        earned = movements(before, projection.position)
        if earned:
            night = effective_date(reached - timedelta(days=1), last_proven=last_proven)
            entries.append((Entry(code=ACCRUAL, effective_date=night, booked_at=now, loan=one.loan), earned))
    _write_entries(entries)
    move_exposure(*((loan, None, share_of(loan)) for loan in loans))
    Instalment.objects.bulk_create(
        row for one, _, projection in projected for row in _instalments(one.loan, one.taken.replayed, projection)
    )
    rewrite_spells(Rewritten(one.loan, one.taken.replayed, reached, date.min) for one, reached, _ in projected)


def _projected(one: LoanWithHistory, *, to: date | None) -> tuple[date, Projection]:
    """Project a loan to its cut-over, or the end of the last night if that is later; return to which."""
    reached = one.cut_over if to is None else max(one.cut_over, to)
    return reached, project(one.taken.replayed, as_of=reached)


def _write_history(new: Sequence[LoanWithHistory], *, actor: Actor, now: datetime) -> dict[int, list[EventRow]]:
    """Write the events of new loans; return those that book differences, by loan."""
    rows = [
        (one, event, _row(one.new_event(place), seq=place, actor=actor, now=now))
        for one in new
        for place, event in enumerate(one.taken.history.events, 1)
    ]
    by_place = {(row.loan_id, row.seq): row for _, _, row in rows}
    EventRow.objects.bulk_create(row for _, event, row in rows if event.of is None)
    removing = [(one, event, row) for one, event, row in rows if event.of is not None]
    for one, event, row in removing:
        row.of = by_place[one.loan.pk, int(event.of or 0)]
    EventRow.objects.bulk_create(row for _, _, row in removing)
    return {
        one.loan.pk: [by_place[one.loan.pk, int(difference.event.id)] for difference in one.taken.differences]
        for one in new
    }


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
        partner_id=new.loan.merchant.partner_id,
        external_ref=new.external_ref,
        reason=new.reason,
        actor=str(actor),
        booked_at=now,
    )


def _write_entries(entries: Sequence[tuple[Entry, Sequence[Movement]]]) -> None:
    """Write entries of loans, with their postings."""
    Entry.objects.bulk_create(entry for entry, _ in entries)
    post(*((entry, moved, entry.loan.currency) for entry, moved in entries if entry.loan is not None))


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
    """Rewrite what follows from the events: kept sums, the loans' columns, spells and schedules. Raises StaleRow."""
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
    rewrite_spells(Rewritten(loan, plan.replayed, plan.to, plan.on) for loan, plan in planned)
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
    Instalment.objects.bulk_create(_instalments(loan, plan.replayed, plan.after))


def _instalments(loan: Loan, replayed: Replayed, projection: Projection) -> Iterator[Instalment]:
    for row, left in zip(replayed.schedule, projection.left_minor, strict=True):
        yield Instalment(loan=loan, left_minor=left, **row._asdict())
