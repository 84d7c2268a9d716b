"""The night of a day's close: book what loans earned, move on those that turn, report how merchants repay.

A loan at rest is read once and not written: its row stands as of its last event or turn.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final

from django.db import connection
from django.db.models import Max

from config.db.transactions import operation
from config.kernel.daycount import DAILY
from config.office.job_runs import Claim, Clock, hold_claim
from lending.domain.books.day_close import LAST_ID
from lending.domain.books.ledger import ACCRUAL, NOTHING, Position, movements
from lending.domain.books.projection import project
from lending.models import DayClose, Entry, Loan, LoanEvent
from lending.operations.bookings import lock_books, post
from lending.operations.projections import write_projections
from lending.operations.spells import Rewritten, rewrite_spells
from lending.queries.at_rest import interest_at, penalty_at, places_on
from lending.queries.behaviour import behaviours_of_part, corrections_of_part
from lending.queries.closes import get_close
from lending.queries.loans import contracts_of
from scoring.operations.behaviour import record_behaviour

ACCRUED_AT_ONCE: Final = 50_000
"""Loans a transaction that keeps bookings waiting: some tenths of a second."""
TURNED_AT_ONCE: Final = 250
"""Loans a transaction: few enough that a payment to one of them waits briefly, not for the whole part."""
BEFORE, AFTER = "greatest(l.place, c.before)", "greatest(l.place, c.after)"
# A loan that an event took further than the night is past both places: it earned nothing that is not booked.
EARNED: Final = f"""
SELECT l.product_id, l.currency, sum(({interest_at(AFTER)}) - ({interest_at(BEFORE)}))::bigint,
    sum(({penalty_at(AFTER)}) - ({penalty_at(BEFORE)}))::bigint,
    coalesce(sum(l.turn_fee_minor) FILTER (WHERE l.turns_on = %s), 0)::bigint
FROM lending_loan l
JOIN unnest(%s::text[], %s::bigint[], %s::bigint[]) c (day_count, before, after) ON c.day_count = l.day_count
WHERE l.id > %s AND l.id <= %s AND l.principal_minor > 0
GROUP BY l.product_id, l.currency ORDER BY l.product_id, l.currency
"""  # noqa: S608 - constants only
NEXT: Final = """
SELECT max(id), count(*) FROM (SELECT id FROM lending_loan WHERE id > %s ORDER BY id LIMIT %s) next
"""


def accrue_day(*, claim: Claim, clock: Clock) -> int:
    """Post what all loans earned in the night of a close's day, some at a time; return how many were read.

    How far it came is kept with the close in the same transaction as what it posted, so nothing is posted twice.
    Raises StaleRow if fenced off.
    """
    close = get_close(claim.subject_id)
    done, total = Loan.objects.filter(pk__lte=close.accrued_loans).count(), Loan.objects.count()
    while close.accrued_loans < LAST_ID:
        with operation():
            hold_claim(claim=claim, done=done, total=total, now=clock())
            # Nobody books meanwhile: for each loan the ledger has this night, or has it not.
            lock_books(exclusive=True)
            close = get_close(claim.subject_id)
            if not close.accrued_loans:
                close.last_event = LoanEvent.objects.aggregate(last=Max("pk", default=0))["last"]
            done += _accrue_next(close, now=clock())
    return done


def turn_loans(close: DayClose, ids: range, *, claim: Claim, clock: Clock) -> int:
    """Replay the loans among these ids that turn in the night of a close, and write them as of the next day.

    What they earned is in the ledger already. Returns how many turned. Raises StaleRow if fenced off.
    """
    to, done = close.day + timedelta(days=1), 0
    turning, total = Loan.objects.within(ids).turning(to), 0
    while True:
        with operation():
            total = total or turning.count()
            hold_claim(claim=claim, done=done, total=total, now=clock())
            loans = list(turning.lock()[:TURNED_AT_ONCE])
            _turn(loans, to=to)
        done += len(loans)
        if len(loans) < TURNED_AT_ONCE:
            return done
        turning = turning.filter(pk__gt=loans[-1].pk)


def _turn(loans: Sequence[Loan], *, to: date) -> None:
    """Write loans as of the day to which they turn.

    Of their spells, one more begins where a loan that is late already misses another instalment; from when any other
    will be late has been written with its last event.
    """
    contracts = contracts_of(loans)
    turned = [(loan, replayed := contracts[loan.pk].replayed(), project(replayed, as_of=to)) for loan in loans]
    write_projections([(loan, projection, to) for loan, _, projection in turned])
    rewrite_spells(Rewritten(loan, replayed, to) for loan, replayed, projection in turned if projection.dpd)


def report_behaviour(close: DayClose, ids: range, *, claim: Claim, clock: Clock) -> None:
    """Report to scoring how merchants with loans among these ids repay, and correct what was reported of past days.

    Raises StaleRow if fenced off.
    """
    for day, facts in chain(corrections_of_part(close, ids), behaviours_of_part(close, ids)):
        with operation():
            hold_claim(claim=claim, done=0, total=0, now=clock())
            record_behaviour(facts=facts, on=day, now=clock())


def _accrue_next(close: DayClose, *, now: datetime) -> int:
    """Post what the next loans earned in the night, by product and currency; return how many were read."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [close.accrued_loans, ACCRUED_AT_ONCE])
        last, read = cursor.fetchone()
        to = LAST_ID if read < ACCRUED_AT_ONCE else last
        morning = close.day + timedelta(days=1)
        places = [places_on(close.day), places_on(morning)]
        cursor.execute(EARNED, [morning, list(DAILY), *places, close.accrued_loans, to])
        rows = cursor.fetchall()
    for product, currency, interest, penalty, fees in rows:
        moved = movements(NOTHING, Position(interest_minor=interest, penalty_minor=penalty, fees_minor=fees))
        if moved:
            entry = Entry.objects.create(
                code=ACCRUAL, effective_date=close.day, booked_at=now, close=close, product_id=product
            )
            post((entry, moved, currency))
    close.accrued_loans = to
    close.save(update_fields=["accrued_loans", "last_event"])
    return int(read)
