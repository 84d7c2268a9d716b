"""Close a business day behind the one that is open: collect, accrue, move on what turns, verify, provide, prove.

What a part of a stage has done is in the rows of the loans or of the close, so one that is interrupted continues where
it was, and a day that is closed twice books nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _

from config.db.locking import lock_rows
from config.db.transactions import Contended, operation, require_one
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import BusinessDateNotMoved, lock_business_date, open_day
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, NotYet, report_progress
from config.office.stages import Pipeline, Stage
from lending.domain.books.day_close import (
    DRIFTED_SHOWN,
    CloseRefusal,
    OpeningRefusal,
    conclude,
    ids_of_part,
)
from lending.gateways.protocol import Gateway
from lending.models import DayClose, Loan, ProofLine
from lending.operations.arrears import review_cases
from lending.operations.bookings import lock_books
from lending.operations.collection_rounds import collect_dues
from lending.operations.day_sums import keep_sums
from lending.operations.letters import write_letters
from lending.operations.nights import accrue_day, report_behaviour, turn_loans
from lending.operations.portfolio import keep_buckets, keep_figures
from lending.operations.provisions import begin_provisions, book_provisions, provide_lines, provide_loans
from lending.queries.books import drifted_loans, loans_to_verify, prove_accounts
from lending.queries.closes import get_close, get_close_refusal, get_first_refusal, get_opening_refusal, next_day
from lending.queries.delinquency import current_policy
from lending.queries.delinquency_tables import days_to_class
from lending.queries.gateways import get_gateways
from lending.queries.portfolio_figures import days_to_keep

KEPT_AT_ONCE: Final = timedelta(minutes=2)


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
        last = Loan.objects.aggregate(last=Max("pk", default=0))["last"]
        close = DayClose.objects.create(day=day, parts=parts, last_loan=last, started_by=str(actor), started_at=now)
        begin_provisions(close)
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


def verify_part(*, claim: Claim, clock: Clock) -> None:
    """Compare loans of a part with a replay of their events: the touched, and some of the others in turn.

    Raises StaleRow if fenced off.
    """
    close = get_close(claim.subject_id)
    done, drifted = 0, list[int]()
    for loans in loans_to_verify(close, ids_of_part(claim.part, parts=close.parts, last=close.last_loan)):
        suspects = drifted_loans(loans, have_turned=True)
        if suspects:  # checked again under their locks: a payment between row and events is not drift
            with operation():
                drifted += drifted_loans(list(Loan.objects.filter(pk__in=suspects).lock()), have_turned=True)
        done += len(loans)
        report_progress(claim=claim, done=done, total=done, now=clock())
    with operation():
        lock_rows(DayClose, [close.pk])
        found = get_close(close.pk).drifted
        DayClose.objects.filter(pk=close.pk).update(drifted=sorted({*found, *drifted})[:DRIFTED_SHOWN])
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def accrue_night(*, claim: Claim, clock: Clock) -> None:
    """Book what all loans earned in the night of the day. Raises StaleRow if fenced off, NotYet."""
    try:
        done = accrue_day(claim=claim, clock=clock)
    except Contended as error:  # somebody books: it goes on where it stopped, and this was no failure
        raise NotYet from error
    with operation():
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def turn_part(*, claim: Claim, clock: Clock) -> None:
    """Move on the loans of a part that turn in the night, and report how merchants repay. Raises StaleRow."""
    close = get_close(claim.subject_id)
    ids = ids_of_part(claim.part, parts=close.parts, last=close.last_loan)
    done = turn_loans(close, ids, claim=claim, clock=clock)
    report_behaviour(close, ids, claim=claim, clock=clock)
    with operation():
        # Counted, not summed along the way: whoever takes over does not know what was done before.
        running = Loan.objects.active().filter(disbursed_on__lte=close.day).within(ids)
        DayClose.objects.filter(pk=close.pk).update(loans=F("loans") + running.count())
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def review_arrears(*, claim: Claim, clock: Clock) -> None:
    """Open, judge and close the cases of borrowers in arrears. Raises StaleRow if fenced off, NotYet."""
    try:
        with operation():
            done = review_cases(on=get_close(claim.subject_id).day + timedelta(days=1), now=clock())
            CLOSE.finish_part(claim=claim, done=done, now=clock())
    except Contended as error:  # a collector has a case
        raise NotYet from error


def write_dunning(*, claim: Claim, clock: Clock) -> None:
    """Write the letters to borrowers in arrears; they are sent once the books are proven. Raises StaleRow, NotYet."""
    try:
        with operation():
            done = write_letters(on=get_close(claim.subject_id).day + timedelta(days=1), now=clock())
            CLOSE.finish_part(claim=claim, done=done, now=clock())
    except Contended as error:  # a collector has a case
        raise NotYet from error


def provide_part(*, claim: Claim, clock: Clock) -> None:
    """Make provisions for the loans of a part, if the day is the last of its month. Raises StaleRow."""
    done = provide_loans(claim=claim, clock=clock)
    with operation():
        CLOSE.finish_part(claim=claim, done=done, now=clock())


def book_month(*, claim: Claim, clock: Clock) -> None:
    """Make provisions for lines, and book what the month's provisions come to. Raises StaleRow, NotYet."""
    try:
        done = provide_lines(claim=claim, clock=clock)
        with operation():
            book_provisions(get_close(claim.subject_id), now=clock())
            CLOSE.finish_part(claim=claim, done=done, now=clock())
    except Contended as error:  # as for a night
        raise NotYet from error


def keep_portfolio(*, claim: Claim, clock: Clock) -> None:
    """Keep the figures of the day, and of month ends before it that have none. Raises StaleRow if fenced off, NotYet.

    With them, the buckets that the page of the day shows. After the proof, which waits for no report. What is booked
    for such a day in the meantime is in them the next time.
    """
    day, until = get_close(claim.subject_id).day, clock() + KEPT_AT_ONCE
    reports, classed = days_to_keep(day), days_to_class(current_policy(), day)
    total = len(reports) + len(classed)

    def report() -> None:
        report_progress(claim=claim, done=0, total=total, now=clock())

    keepers = [
        *(partial(keep_figures, on, progress=report) for on in reports),
        *(partial(keep_buckets, on) for on in classed),
    ]
    for keep in keepers:
        if clock() >= until:
            raise NotYet  # years of month ends are kept some at a time: no job is let run so long
        report()
        try:
            keep()
        except Contended as error:
            raise NotYet from error
    with operation():
        CLOSE.finish_part(claim=claim, done=total, now=clock())


def prove_books(*, claim: Claim, clock: Clock) -> None:
    """Compare the ledger with the loans, and conclude the close. Raises StaleRow if fenced off."""
    with operation():
        lock_rows(DayClose, [claim.subject_id])
        close = get_close(claim.subject_id)
        lock_books(exclusive=True)
        balances, now = prove_accounts(), clock()
        ProofLine.objects.bulk_create([ProofLine(close=close, **asdict(balance)) for balance in balances])
        state = conclude(balances, close.drifted)
        require_one(DayClose.objects.working().filter(pk=close.pk).update(state=state, finished_at=now))
        keep_sums()
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
        Stage(
            name="lending.accrue_day",
            work=accrue_night,
            words=_("Accrue interest and penalties"),
            counts=_("loans"),
            is_divided=False,
        ),
        Stage(
            name="lending.turn_loans",
            work=turn_part,
            words=_("Move on what falls due or turns late, and report it to scoring"),
            counts=_("loans"),
        ),
        Stage(
            name="lending.review_arrears",
            work=review_arrears,
            words=_("Open and close cases of arrears, and judge promises"),
            counts=_("borrowers"),
            is_divided=False,
        ),
        Stage(
            name="lending.write_letters",
            work=write_dunning,
            words=_("Write letters to borrowers in arrears"),
            counts=_("letters"),
            is_divided=False,
        ),
        Stage(
            name="lending.verify_loans",
            work=verify_part,
            words=_("Compare loans with their events"),
            counts=_("loans"),
        ),
        Stage(
            name="lending.provide_loans",
            work=provide_part,
            words=_("Provide for loans, at the end of a month"),
            counts=_("loans"),
        ),
        Stage(
            name="lending.book_provisions",
            work=book_month,
            words=_("Provide for lines and book provisions, at the end of a month"),
            counts=_("lines"),
            is_divided=False,
        ),
        Stage(
            name="lending.prove_books",
            work=prove_books,
            words=_("Compare the ledger with the loans"),
            counts=_("accounts"),
            is_divided=False,
        ),
        Stage(
            name="lending.keep_portfolio",
            work=keep_portfolio,
            words=_("Keep the figures of the portfolio"),
            counts=_("days"),
            is_divided=False,
        ),
    ),
)
