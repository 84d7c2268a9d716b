"""Close a business day behind the one that is open: collect, accrue, verify, prove.

What a part of a stage has done is in the loans' rows, so one that is interrupted continues where it was, and a day
that is closed twice books nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from config.db.transactions import StaleRow, operation, require_one
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import BusinessDateNotMoved, lock_business_date, open_day
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, hold_claim, report_progress
from config.office.stages import Pipeline, Stage
from lending.domain.books.day_close import DRIFTED_SHOWN, CloseRefusal, OpeningRefusal, conclude
from lending.domain.books.ledger import NOTHING, EntryCode, Position, earned_between, movements, total
from lending.domain.books.night import LoanAccrualState, advance_accruals, turned
from lending.domain.books.projection import project
from lending.gateways.protocol import Gateway
from lending.models import DayClose, Entry, Loan, ProofLine
from lending.operations.bookings import lock_books, post
from lending.operations.collections import collect_dues
from lending.queries.behaviour import day_ends_of_part
from lending.queries.books import booked_loans, drifted_loans, prove_accounts
from lending.queries.closes import get_close_refusal, get_first_refusal, get_opening_refusal, next_day
from lending.queries.gateways import get_gateways
from lending.queries.loans import accrual_state_of, contracts_of, position_of
from scoring.operations.behaviour import record_behaviour

ACCRUED_AT_ONCE: Final = 1_000
"""Loans a transaction: few enough that a payment that meets the close waits briefly, not for the whole part."""
WRITE: Final = """
UPDATE lending_loan SET booked_to = n.booked_to, interest_minor = n.interest, penalty_minor = n.penalty,
    due_minor = n.due, dpd = n.dpd, worst_dpd = greatest(worst_dpd, n.dpd), next_due = n.next_due,
    overdue_minor = n.overdue, interest_numerator = n.interest_sum, penalty_numerator = n.penalty_sum,
    replay_on = n.replay_on
FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::date[], %s::bigint[],
    %s::numeric[], %s::numeric[], %s::date[])
    AS n (id, booked_to, interest, penalty, due, dpd, next_due, overdue, interest_sum, penalty_sum, replay_on)
WHERE lending_loan.id = n.id AND lending_loan.booked_to < n.booked_to
"""


class DayNotClosed(Refused[CloseRefusal]):
    """No close was started."""


class DayNotOpened(Refused[OpeningRefusal]):
    """The business date was not moved."""


def close_day(*, actor: Actor, now: datetime, seen: date | None = None) -> DayClose:
    """Start closing the oldest business day that is not closed, if it is the one that was seen.

    Raises DayNotClosed, Contended.
    """
    with operation():
        lock_business_date()
        day, refusal = next_day(), get_close_refusal(seen=seen)
        if refusal is not None or day is None:
            raise DayNotClosed(refusal or CloseRefusal.NOTHING_TO_CLOSE)
        parts = CLOSE.parts_for(Loan.objects.active().count())
        close = DayClose.objects.create(day=day, parts=parts, started_by=str(actor), started_at=now)
        record_event(
            name="lending.close_day", subject=close, actor=actor, before={}, after={"day": day.isoformat()}, now=now
        )
        CLOSE.start(subject_id=close.pk, actor=actor, now=now)
        return close


def open_first_day(*, on: date, actor: Actor, now: datetime) -> date:
    """Open the first day of an office that runs on a manual clock. Raises DayNotOpened, Contended."""
    refusal = get_first_refusal(days_away=(on - now.date()).days)
    if refusal is not None:
        raise DayNotOpened(refusal)
    try:
        return open_day(on=on, is_first=True, actor=actor, now=now)
    except BusinessDateNotMoved as error:  # another was faster
        raise DayNotOpened(OpeningRefusal.OPEN_ALREADY) from error


def open_next_day(*, after: date, actor: Actor, now: datetime) -> DayClose:
    """Open the business day after the one that was shown, then start closing what is behind it.

    For an office on a manual clock. Raises DayNotOpened where nothing was opened; DayNotClosed, Contended also after
    the day was opened.
    """
    refusal = get_opening_refusal(after=after)
    if refusal is not None:
        raise DayNotOpened(refusal)
    try:
        open_day(on=after + timedelta(days=1), actor=actor, now=now)
    except BusinessDateNotMoved as error:  # another was faster
        raise DayNotOpened(OpeningRefusal.NOT_THE_DAY_SHOWN) from error
    return close_day(actor=actor, now=now)


def collect_part(*, claim: Claim, clock: Clock, gateways: Mapping[str, Gateway] | None = None) -> None:
    """Collect what the loans of a part owe on the day, through these gateways or the office's. Raises StaleRow."""
    done = collect_dues(get_gateways() if gateways is None else gateways, claim=claim, clock=clock)
    with operation():
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def accrue_part(*, claim: Claim, clock: Clock) -> None:
    """Book what the loans of a part earned in the night of the day, and report to scoring how their merchants repay.

    Raises StaleRow if fenced off.
    """
    close = DayClose.objects.get(pk=claim.subject_id)
    to = close.day + timedelta(days=1)
    behind = Loan.objects.active().behind(to).of_part(claim.part, close.parts).order_by("pk")
    done, total = 0, behind.count()
    while keys := list(behind.values_list("pk", flat=True)[:ACCRUED_AT_ONCE]):
        with operation():
            hold_claim(claim=claim, done=done, total=total, now=clock())
            # Locked, then read again: a loan paid meanwhile has been advanced by that.
            loans = list(Loan.objects.active().behind(to).filter(pk__in=keys).lock())
            if loans:
                _accrue(close, loans, to=to, now=clock())
        done += len(keys)
    for end in day_ends_of_part(day=close.day, part=claim.part, parts=close.parts):
        with operation():
            hold_claim(claim=claim, done=done, total=done, now=clock())
            record_behaviour(facts=end.behaviours, on=close.day, now=clock())
            # Loans that a payment took past the night before the close reached them.
            for loan_id, dpd in sorted(end.later_than_ever.items()):
                Loan.objects.filter(pk=loan_id, disbursed_on__lte=close.day, worst_dpd__lt=dpd).update(worst_dpd=dpd)
    with operation():
        # Counted, not summed along the way: whoever takes over does not know what was done before.
        running = Loan.objects.active().filter(disbursed_on__lte=close.day).of_part(claim.part, close.parts)
        DayClose.objects.filter(pk=close.pk).update(loans=F("loans") + running.count())
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def verify_part(*, claim: Claim, clock: Clock) -> None:
    """Compare the loans of a part with a replay of their events. Raises StaleRow if fenced off."""
    close = DayClose.objects.get(pk=claim.subject_id)
    done, drifted = 0, list[int]()
    for loans in booked_loans(part=claim.part, parts=close.parts):
        suspects = drifted_loans(loans)
        if suspects:  # checked again under their locks: a payment between row and events is not drift
            with operation():
                drifted += drifted_loans(list(Loan.objects.filter(pk__in=suspects).lock()))
        done += len(loans)
        report_progress(claim=claim, done=done, total=done, now=clock())
    with operation():
        DayClose.objects.filter(pk=close.pk).lock().get()
        found = DayClose.objects.get(pk=close.pk).drifted
        DayClose.objects.filter(pk=close.pk).update(drifted=sorted({*found, *drifted})[:DRIFTED_SHOWN])
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def prove_books(*, claim: Claim, clock: Clock) -> None:
    """Compare the ledger with the loans, and conclude the close. Raises StaleRow if fenced off."""
    with operation():
        DayClose.objects.filter(pk=claim.subject_id).lock().get()
        close = DayClose.objects.get(pk=claim.subject_id)
        lock_books(exclusive=True)
        balances, now = prove_accounts(), clock()
        ProofLine.objects.bulk_create([ProofLine(close=close, **asdict(balance)) for balance in balances])
        state = conclude(balances, close.drifted)
        require_one(DayClose.objects.working().filter(pk=close.pk).update(state=state, finished_at=now))
        wake()
        record_event(
            name="lending.prove_books",
            subject=close,
            actor=SYSTEM,
            before={"state": close.state},
            after={"state": state, "drifted": len(close.drifted)},
            now=now,
        )
        CLOSE.finish_part(claim=claim, done=len(balances), now=now)


CLOSE: Final = Pipeline(
    subject=DayClose,
    rows_a_part=10_000,
    stages=(
        Stage(name="lending.collect_dues", work=collect_part, words=_("Collect what is due"), counts=_("loans")),
        Stage(name="lending.accrue_day", work=accrue_part, words=_("Accrue interest and penalties"), counts=_("loans")),
        Stage(
            name="lending.verify_loans",
            work=verify_part,
            words=_("Compare every loan with its events"),
            counts=_("loans"),
        ),
        Stage(
            name="lending.prove_books",
            work=prove_books,
            words=_("Compare the ledger with the loans"),
            counts=_("accounts"),
            is_divided=False,
        ),
    ),
)


def _accrue(close: DayClose, loans: Sequence[Loan], *, to: date, now: datetime) -> None:
    """Advance locked loans to a date, by arithmetic or, from `replay_on` on, by replay; post the sum by product."""
    due = [loan for loan in loans if loan.replay_on is None or loan.replay_on <= to]
    contracts = contracts_of(due)
    replayed = {loan.pk: project(contracts[loan.pk].replayed(), as_of=to) for loan in due}
    others = [loan for loan in loans if loan.pk not in replayed]
    advanced = advance_accruals([accrual_state_of(loan) for loan in others], to=to)
    states = {loan.pk: state for loan, state in zip(others, advanced, strict=True)}
    for loan in due:
        states[loan.pk] = turned(accrual_state_of(loan), replayed[loan.pk], to=to)
    earned: defaultdict[tuple[int, str], list[Position]] = defaultdict(list)
    for loan in loans:
        earned[loan.product_id, loan.currency].append(earned_between(position_of(loan), states[loan.pk].position))
    _write(states)
    for (product, currency), parts in sorted(earned.items()):
        moved = movements(NOTHING, total(parts))
        if moved:
            entry = Entry.objects.create(
                code=EntryCode.ACCRUAL, effective_date=close.day, booked_at=now, close=close, product_id=product
            )
            post(entry, moved, currency=currency)


def _write(states: Mapping[int, LoanAccrualState]) -> None:
    """Write what a night changes in one statement. Raises StaleRow."""
    columns = zip(*(_cells(pk, state) for pk, state in states.items()), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(column) for column in columns])
        if cursor.rowcount != len(states):
            raise StaleRow(cursor.rowcount)


def _cells(pk: int, state: LoanAccrualState) -> tuple[object, ...]:
    position, carry = state.position, state.carry
    return (
        pk,
        state.booked_to,
        position.interest_minor,
        position.penalty_minor,
        state.due_minor,
        state.dpd,
        state.next_due,
        carry.overdue_minor,
        Decimal(carry.interest_numerator),
        Decimal(carry.penalty_numerator),
        carry.replay_on,
    )
