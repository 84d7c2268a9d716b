"""Make provisions at the end of a month, within the close of its last day.

Each loan's row is written once; the ledger has the difference to the month before in one entry by product and currency,
written with the last of what the close does for it. So whoever goes on after a kill neither repeats a row nor an entry.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from config.db.transactions import operation, require_one, require_transaction
from config.office.job_runs import Claim, Clock, hold_claim
from lending.domain.books.day_close import ids_of_part
from lending.domain.books.ledger import PROVISION, provision_movements
from lending.domain.books.provision import provide
from lending.models import DayClose, Entry, Line, LoanProvision, ProvisionMonth
from lending.operations.bookings import lock_books, post
from lending.queries.closes import get_close
from lending.queries.provision_exposures import Pins, Provided, lines_to_provide, loans_to_provide, pins_of
from lending.queries.provisions import changes_of, latest_policy, month_of
from scoring.queries.scores import get_live_run

DAY: Final = timedelta(days=1)


def begin_provisions(close: DayClose) -> None:
    """Pin what the provisions of a month rest on, if a close is of its last day and there is a policy.

    Part of the operation that starts the close. Raises NoTransaction.
    """
    require_transaction()
    policy = latest_policy()
    if policy is None or (close.day + DAY).day != 1:
        return
    ProvisionMonth.objects.create(
        month=close.day.replace(day=1),
        close=close,
        policy=policy,
        run=get_live_run(),
        last_line=Line.objects.aggregate(last=Max("pk", default=0))["last"],
    )


def provide_loans(*, claim: Claim, clock: Clock) -> int:
    """Write the provisions of a part's loans, if a close makes any; return how many. Raises StaleRow."""
    close = get_close(claim.subject_id)
    month = month_of(close)
    if month is None:
        return 0
    pins, done = pins_of(month), 0
    for found in loans_to_provide(pins, ids_of_part(claim.part, parts=close.parts, last=close.last_loan)):
        done += _write(found, pins, claim=claim, done=done, clock=clock)
    return done


def provide_lines(*, claim: Claim, clock: Clock) -> int:
    """Write the provisions for what is undrawn of lines, if a close makes any; return how many. Raises StaleRow."""
    month = month_of(get_close(claim.subject_id))
    if month is None:
        return 0
    pins, done = pins_of(month), 0
    for found in lines_to_provide(pins):
        done += _write(found, pins, claim=claim, done=done, clock=clock)
    return done


def book_provisions(close: DayClose, *, now: datetime) -> None:
    """Book by how much a month's provisions differ from the last ones, by product and currency. Raises NoTransaction.

    Part of the operation that finishes the stage: nothing is booked twice.
    """
    require_transaction()
    month = month_of(close)
    if month is None:
        return
    lock_books(exclusive=False)
    for product, currency, minor in changes_of(month):
        moved = provision_movements(minor)
        if moved:
            entry = Entry.objects.create(
                code=PROVISION, effective_date=close.day, booked_at=now, close=close, product_id=product
            )
            post((entry, moved, currency))
    require_one(ProvisionMonth.objects.filter(pk=month.pk, booked_at=None).update(booked_at=now))


def _write(found: list[Provided], pins: Pins, *, claim: Claim, done: int, clock: Clock) -> int:
    rows = [_row(one, pins) for one in found]
    with operation():
        hold_claim(claim=claim, done=done + len(rows), total=0, now=clock())
        LoanProvision.objects.bulk_create(rows)
    return len(rows)


def _row(found: Provided, pins: Pins) -> LoanProvision:
    is_line = isinstance(found.row, Line)
    row = LoanProvision(
        month=pins.month,
        loan_id=None if is_line else found.row.pk,
        line_id=found.row.pk if is_line else None,
        product_id=found.row.product_id,
        currency=found.row.currency,
        left=found.left,
        before_stage=None if found.before is None else found.before.stage,
        before_minor=found.before_minor,
    )
    exposure = found.exposure
    if exposure is None:
        return row
    made = provide(pins.policy, exposure, found.before)
    for name in ("dpd", "worst_dpd", "re_aged_on", "origination_pd_ppm", "lgd_bps", "rate_ppm", "ead_minor"):
        setattr(row, name, getattr(exposure, name))
    for name in ("cause", "good_months", "category", "pd_ppm", "ecl_minor", "minimum_minor", "provision_minor"):
        setattr(row, name, getattr(made, name))
    row.stage, row.score_pd_ppm = int(made.stage), exposure.pd_ppm
    row.periods = [[period.days, period.exposure_minor] for period in exposure.periods]
    return row
