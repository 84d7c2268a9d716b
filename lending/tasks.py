"""Move money, make offers and close days."""

from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from config.db.transactions import Contended
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date
from config.office.stages import add_tasks
from lending.operations import letters, settlement, write_offs
from lending.operations.day_close import CLOSE, DayNotClosed, close_day
from lending.operations.offers import OFFERS, RoundNotStarted, expire_offers, start_round
from lending.operations.payouts import PAY_OUT, send_payout
from lending.operations.watch import WATCH, WatchNotStarted, start_night_watch, start_rows_watch
from lending.queries.gateways import get_gateways

add_tasks(OFFERS, CLOSE, WATCH)


@shared_task(name=PAY_OUT)
def pay_out(transfer_id: int) -> None:
    """Pay a loan out; sent again, it asks what became of it."""
    send_payout(get_gateways(), transfer_id=transfer_id, clock=timezone.now)


@shared_task(name="lending.settle_transfers")
def settle_transfers() -> None:
    """Pay out what waits, ask for what has no answer, and take the reports of banks."""
    settlement.settle_transfers(get_gateways(), clock=timezone.now)


@shared_task(name="lending.start_due_round")
def start_due_round() -> None:
    """Make offers from the live run, unless they are made, and close those that expired."""
    on = get_business_date()
    if on is not None:
        expire_offers(on=on, now=timezone.now())
    try:
        start_round(actor=SYSTEM, now=timezone.now())
    except (RoundNotStarted, Contended):
        return  # another fire of the beat was faster, or there is nothing to offer


@shared_task(name="lending.write_off_late_loans")
def write_off_late_loans() -> None:
    """Write off what is so late that its product gives it up."""
    write_offs.write_off_late_loans(clock=timezone.now)


@shared_task(name="lending.close_due_day")
def close_due_day() -> None:
    """Close the oldest day that is not closed, unless there is none or a closing works."""
    try:
        close_day(actor=SYSTEM, now=timezone.now())
    except (DayNotClosed, Contended):
        return


@shared_task(name="lending.start_due_watch")
def start_due_watch() -> None:
    """Judge everyone who has a limit or a loan, once a business date, when the day before is closed."""
    with suppress(WatchNotStarted, Contended):
        start_night_watch(now=timezone.now())


@shared_task(name="lending.watch_new_rows")
def watch_new_rows() -> None:
    """Judge the borrowers of whom rows came since it was last looked for them."""
    with suppress(WatchNotStarted, Contended):
        start_rows_watch(now=timezone.now())


@shared_task(name="lending.send_due_letters")
def send_due_letters() -> None:
    """Send the letters whose turn it is, if it is an hour for letters."""
    letters.send_letters(clock=timezone.now)
